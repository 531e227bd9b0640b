"""The door to Sentinel Hub, against a peer on loopback that evaluates the evalscript, and against all that goes wrong."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hub_peer import CLIENT, SECRET, Peer, peer_over
from workshop import Made, Ran, Scene, run_plain

from agro.domain.errors import AgroError, BadInput, SourceDown
from agro.domain.grid import Grid
from agro.sources import sentinel_hub, stac
from agro.sources.hub_budget import Budget
from agro.sources.hub_client import Account, read_account
from agro.sources.hub_cuts import LARGEST_SIDE_PX, seen
from agro.sources.web import checked_address
from agro.store.history import fieldstats
from agro.store.publish import Store, read_asset
from agro.store.tables import from_parquet
from flows.composites import make_composite
from flows.imagery_doors import client_of
from flows.plan import find_over, read_land
from flows.settings import CONFIGS, Settings, band_aliases, load

LOOKS = [Scene("S2A_MSIL2A_20210701T050000_N0301_R019_T45UVB_20210701T080000"), Scene("second", "2021-07-04T05:00:00Z")]


@dataclass
class Served:
    """A made catalogue, served by a peer."""

    made: Made
    peer: Peer
    folder: Path

    def settings(self, *more: str) -> Settings:
        folder = self.folder
        sets = [f"fields.path={self.made.fields}", f"store.path={folder / 'hub'}", *more]
        return load("sentinel-hub", self.peer.sets(folder / "ledger", *sets))

    def run(self, *more: str) -> Ran:
        return run_plain(self.settings(*more))

    @property
    def spent(self) -> float:
        (ledger,) = (self.folder / "ledger").glob("spent-*.json")
        return float(json.loads(ledger.read_text())["units"])


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SH_CLIENT_ID", CLIENT)
    monkeypatch.setenv("SH_CLIENT_SECRET", SECRET)
    client_of.cache_clear()


@pytest.fixture
def served(make_catalog: Callable[..., Made], tmp_path: Path) -> Iterator[Served]:
    made = make_catalog(LOOKS)
    with peer_over(made.catalog) as peer:
        yield Served(made, peer, tmp_path)


def test_both_doors_give_the_same_rows(served: Served, run: Callable[..., Ran]) -> None:
    mine = served.run()
    assert len(mine.done) == 2 and not mine.refused
    assert not run(served.made).refused
    one, two = (fieldstats(Store(served.folder / name)).drop(columns="acquisition_id") for name in ("store", "hub"))
    order = ["field_id", "acquired_at", "layer"]
    one, two = (rows.sort_values(order, ignore_index=True) for rows in (one, two))
    assert set(two["layer"]) >= {"ndvi", "ndmi", "lai"}
    pd.testing.assert_frame_equal(one, two, check_dtype=False)
    assert served.peer.count("token") == 1
    assert served.peer.count("process") == 2 * 3
    again = served.run()
    assert not again.done and not again.refused and served.peer.count("process") == 6


def test_medians_of_a_period_through_the_service_are_those_of_the_catalogue(served: Served) -> None:
    period = date(2021, 7, 1), date(2021, 7, 31)
    tables = []
    for name, settings in (
        ("hub", served.settings()),
        ("plain", load("stac", served.made.overrides(served.folder / "plain"))),
    ):
        made, refused = make_composite(settings, *period)
        assert made is not None and not refused and len(made.properties["agro:acquisition_ids"]) == 2
        tables.append(from_parquet(read_asset(Store(served.folder / name), made, "fields")))
    pd.testing.assert_frame_equal(*tables)


def test_what_the_catalogue_tells_becomes_an_acquisition(served: Served) -> None:
    settings = served.settings()
    found, refused = find_over(settings, read_land(settings), None)
    assert not refused
    look = found[0]
    assert (look.tile, look.datatake, look.processing_baseline) == ("45UVB", "20210701T050000", "03.01")
    assert look.look_id == "sentinel-2a_45UVB_20210701T050000"
    assert look.bands["red"].href == "sentinel-2-l2a/B04" and look.bands["red"].offset == 0.0
    assert not look.angles.complete
    served.peer.known.clear()
    served.made.edit("second", lambda item: item["properties"].update({"eo:cloud_cover": 99.0}))
    served.made.edit(LOOKS[0].item_id, lambda item: item["properties"].update({"eo:cloud_cover": 1.0}))
    few = served.settings("hub.most_cloud_pct=50")
    assert [one.acquisition_id for one in find_over(few, read_land(few), None)[0]] == [LOOKS[0].item_id]


def test_counts_are_read_with_the_offset_taken_off_and_edges_where_nothing_is(
    make_catalog: Callable[..., Made], tmp_path: Path
) -> None:
    red = np.full((40, 40), 0.05)
    red[0, 0], red[0, 1] = np.nan, 0.0
    made = make_catalog([Scene("new", offset=-0.1, baseline="05.09", pixels={"red": red})])
    with peer_over(made.catalog) as peer:
        served = Served(made, peer, tmp_path)
        settings = served.settings()
        (look,), _ = find_over(settings, read_land(settings), None)
        read = sentinel_hub.read(client_of(settings.hub), look, Grid(made.crs, 399_980, 6_100_000, 10, 8, 8), ["red"])
    counts = read["red"].values
    assert (counts[:, :2] == 0).all(), "beyond the image"
    assert counts[0, 2] == 0 and counts[0, 3] == 1, "nothing measured, and a reflectance of nothing"
    assert (counts[1:, 2:] == 500).all()


@pytest.mark.parametrize("fault", ["429", "500", "503", "reset", "short", "401"])
def test_what_passes_is_waited_for(served: Served, fault: str) -> None:
    served.peer.misbehave("process", fault)
    ran = served.run()
    assert len(ran.done) == 2 and not ran.refused
    assert served.peer.count("process") == 7, "the fault was met"
    assert served.spent == pytest.approx(served.peer.units)


@pytest.mark.parametrize(
    ("call", "fault", "code"),
    [
        ("process", "429*", "HTTP-BUSY"),
        ("process", "500*", "HTTP-FAILS"),
        ("process", "401*", "HUB-UNAUTHORISED"),
        ("process", "403*", "HUB-FORBIDDEN"),
        ("process", "400*", "HUB-REQUEST"),
        ("process", "html*", "RASTER-NOT-IMAGE"),
        ("process", "cut*", "RASTER-TRUNCATED"),
        ("process", "short*", "HTTP-DOWN"),
        ("process", "hang*", "HTTP-DOWN"),
        ("process", "size*", "HUB-ANSWER"),
        ("process", "crs*", "HUB-ANSWER"),
        ("process", "place*", "HUB-ANSWER"),
        ("process", "type*", "HUB-ANSWER"),
        ("process", "empty*", "HUB-EMPTY"),
        ("process", "to http://169.254.169.254/latest/meta-data*", "HTTP-REDIRECT"),
        ("process", "to file:///etc/passwd*", "HTTP-REDIRECT"),
    ],
)
def test_what_stays_wrong_ends_in_a_sentence_and_nothing_is_published(
    served: Served, call: str, fault: str, code: str
) -> None:
    served.peer.misbehave(call, fault)
    ran = served.run("hub.attempts=2", "hub.timeout_s=1")
    assert {refusal.code for refusal in ran.refused.values()} == {code}
    assert all(refusal.reason and refusal.remedy for refusal in ran.refused.values()) and len(ran.refused) == 2
    assert not list((served.folder / "hub").glob("passes/*/*"))
    assert served.peer.count(call) > 0
    served.peer.misbehave(call)
    client_of.cache_clear()
    assert len(served.run().done) == 2, "the next run goes on"


@pytest.mark.parametrize(
    ("call", "fault", "code"),
    [
        ("token", "500*", "HTTP-FAILS"),
        ("token", "html*", "HUB-TOKEN"),
        ("token", "to http://10.0.0.1/*", "HTTP-REDIRECT"),
        ("search", "html*", "HUB-CATALOG"),
        ("search", "429*", "HTTP-BUSY"),
    ],
)
def test_a_run_that_cannot_begin_says_why(served: Served, call: str, fault: str, code: str) -> None:
    served.peer.misbehave(call, fault)
    with pytest.raises(AgroError) as met:
        served.run("hub.attempts=2")
    assert met.value.refusal.code == code


def test_who_is_gone_is_not_waited_for_with_every_pass(served: Served) -> None:
    settings = served.settings("hub.attempts=2")
    land = read_land(settings)
    looks, _ = find_over(settings, land, None)
    served.peer.misbehave("process", "reset*")
    grid = Grid(served.made.crs, 400_000, 6_100_000, 10, 8, 8)
    for look in looks:
        with pytest.raises(SourceDown, match="no whole answer in 2 tries"):
            sentinel_hub.read(client_of(settings.hub), look, grid, ["red"])
    assert served.peer.count("process") == 2


def test_nobody_there(served: Served) -> None:
    with pytest.raises(SourceDown, match="no whole answer"):
        served.run("hub.token_url=http://127.0.0.1:9/token", "hub.attempts=1")


def test_wrong_credentials(served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("SH_CLIENT_SECRET", "planted-canary-secret")
    with pytest.raises(SourceDown, match=r"does not accept the client id and secret \(HTTP 401\)") as met:
        served.run()
    assert "canary" not in str(met.value) + repr(met.value.refusal) + caplog.text
    monkeypatch.delenv("SH_CLIENT_SECRET")
    client_of.cache_clear()
    with pytest.raises(BadInput, match="there are no credentials"):
        served.run()


def test_a_token_that_expires_in_mid_run_is_renewed(served: Served) -> None:
    served.peer.token_s = 121.0  # the package renews two minutes before the end
    settings = served.settings()
    looks, _ = find_over(settings, read_land(settings), None)
    grid = Grid(served.made.crs, 400_000, 6_100_000, 10, 8, 8)
    sentinel_hub.read(client_of(settings.hub), looks[0], grid, ["red"])
    time.sleep(1.2)
    sentinel_hub.read(client_of(settings.hub), looks[1], grid, ["red"])
    assert served.peer.count("token") >= 2


def test_the_budget_of_a_month_is_kept_across_runs_and_never_overspent(served: Served) -> None:
    price = served.peer.units
    assert len(served.run().done) == 2
    price = served.peer.units / 2
    other = [f"store.path={served.folder / 'other'}", f"hub.monthly_units={3.5 * price}"]
    client_of.cache_clear()
    ran = served.run(*other)
    (refusal,) = ran.refused.values()
    assert len(ran.done) == 1 and refusal.code == "HUB-BUDGET"
    assert "processing units" in refusal.reason and "next month" in str(refusal.as_json()["remedy"])
    assert served.peer.units <= 3.5 * price and served.spent == pytest.approx(served.peer.units)
    client_of.cache_clear()
    with pytest.raises(SourceDown, match="budget"):
        served.run(*other, "hub.monthly_requests=3")


def test_a_torn_ledger_is_no_empty_one(tmp_path: Path) -> None:
    budget = Budget(tmp_path, "me", 10, 10)
    kept = budget.reserve(4)
    budget.settle(kept, 1)
    assert Budget(tmp_path, "me", 10, 10).reserve(9).units == 9
    with pytest.raises(SourceDown, match=r"10\.0 of 10"):
        budget.reserve(0.1)
    (ledger,) = tmp_path.glob("spent-*.json")
    ledger.write_text("{")
    with pytest.raises(BadInput, match="does not say what was spent"):
        budget.reserve(0.1)


def test_credentials_of_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "account.toml"
    path.write_text('client_id = "me"\nclient_secret = "canary"\n')
    path.chmod(0o644)
    with pytest.raises(BadInput, match="mode 644"):
        read_account(path)
    path.chmod(0o600)
    assert read_account(path) == Account("me", "canary")
    assert "canary" not in repr(read_account(path))
    path.write_text("client_id = 3")
    with pytest.raises(BadInput, match="expected client_id and client_secret"):
        read_account(path)


def test_no_secret_is_anywhere_in_what_a_run_leaves(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    served.peer.misbehave("process", "403")
    ran = served.run()
    left = [
        p.read_bytes() for p in served.folder.rglob("*") if p.is_file() and not p.is_relative_to(served.made.folder)
    ]
    said = caplog.text + repr(ran) + repr(served.settings())
    for secret in (SECRET, "token-0"):
        assert secret not in said and not any(secret.encode() in content for content in left)
    assert SECRET in os.environ["SH_CLIENT_SECRET"]


@pytest.mark.parametrize(
    "url", ["http://example.org", "ftp://127.0.0.1", "https://user:word@example.org", "example.org"]
)
def test_addresses_that_would_show_secrets(url: str) -> None:
    with pytest.raises(BadInput, match="expected an https address"):
        checked_address(url, "hub.base_url")


def test_cuts_hold_the_blocks_and_fit_into_one_answer(served: Served) -> None:
    aliases = band_aliases(CONFIGS / "bands.toml", ["sentinel-2-l2a"])
    (look, _), _ = stac.find(served.made.catalog, ["sentinel-2-l2a"], aliases, (-180, -90, 180, 90))
    wide = type(look)(**{**look.__dict__, "footprint": None})
    size = 10_240
    squares = [
        (x * size, y * size, (x + 1) * size, (y + 1) * size) for x, y in [(0, 0), (1, 0), (0, 1), (1, 1), (5, 5)]
    ]
    cuts = seen(wide, squares, "EPSG:32645", "EPSG:32645", 100)
    assert sorted((cut.at(10).width, cut.at(10).height) for cut in cuts) == [(1044, 1044), (2068, 2068)]
    assert seen(look, squares, "EPSG:32645", "EPSG:32645", 100) == [], "the look shows other ground"
    (large,) = [seen(wide, [(0, 0, 60_000, 30_000)], "EPSG:32645", "EPSG:32645", 100)]
    assert max(max(cut.at(10).height, cut.at(10).width) for cut in large) <= LARGEST_SIDE_PX
    assert sum((c.width - 10) * (c.height - 10) for c in large) * 400 == 60_000 * 30_000
