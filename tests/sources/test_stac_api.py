"""The door to STAC APIs, against a real server of the package index, and items whose offset is not that of their counts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pystac
import pytest
from stac_server import Files, api_over, files_of
from workshop import Made, Ran, Scene, build_catalog, run_plain

from agro.domain.errors import BadInput, SourceDown
from agro.sources import stac_api
from agro.sources.login import Login
from agro.sources.web import Patience
from agro.store.history import fieldstats
from agro.store.publish import Store, read_asset
from agro.store.tables import from_parquet
from flows.composites import make_composite
from flows.imagery_doors import api_of
from flows.settings import CONFIGS, Settings, band_aliases, load


@dataclass
class Served:
    """A made catalogue behind an API."""

    made: Made
    files: Files
    url: str
    folder: Path

    def settings(self, *more: str) -> Settings:
        sets = [
            f"api.url={self.url}",
            "api.since=2015-07-01",
            "api.attempts=2",
            f"fields.path={self.made.fields}",
            f"store.path={self.folder / 'api'}",
            'imagery.collections=["sentinel-2-l2a"]',
            *more,
        ]
        return load("imagery/earth-search", sets)

    def run(self, *more: str) -> Ran:
        return run_plain(self.settings(*more))


LOOKS = [
    Scene("old"),
    Scene("new", "2021-07-04T05:00:00Z", offset=-0.1, baseline="05.09"),
    Scene("twice", "2021-07-06T05:00:00Z", offset=-0.1, baseline="05.09"),
    Scene("never", "2021-07-08T05:00:00Z", offset=-0.1, baseline="05.09"),
]


def spoil(made: Made) -> None:
    """One item declares an offset that its counts have already; another declares none of one that they have; a third
    leaves it to its collection."""
    read_old = made.item("old").parent
    for band in read_old.glob("*.tif"):
        (made.item("twice").parent / band.name).write_bytes(band.read_bytes())

    def forget(item: dict) -> None:  # type: ignore[type-arg]
        for asset in item["assets"].values():
            asset["raster:bands"][0]["offset"] = 0

    made.edit("never", forget)
    collection = made.catalog.parent / "sentinel-2-l2a" / "collection.json"
    content = json.loads(collection.read_text())
    content["item_assets"] = {"red": {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}}
    collection.write_text(json.dumps(content))
    made.edit("new", lambda item: item["assets"]["red"].pop("raster:bands"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    made = build_catalog(folder, LOOKS)
    spoil(made)
    with files_of(made.catalog.parent) as files, api_over(made, files) as url:
        yield Served(made, files, url, folder)


@pytest.fixture
def served(server: Served, tmp_path: Path) -> Iterator[Served]:
    files = server.files
    files.fault, files.secret, files.opens, files.tokens, files.asked = "", {}, 1_000_000, {}, []
    api_of.cache_clear()
    yield replace(server, folder=tmp_path)


def test_looks_of_a_real_server_and_wrong_offsets_refused(served: Served) -> None:
    ran = served.run()
    assert set(ran.done) == {"old", "new"}
    assert {name: refusal.code for name, refusal in ran.refused.items()} == {
        "twice": "SCENE-OFFSET-TWICE",
        "never": "SCENE-OFFSET-MISSING",
    }
    rows = fieldstats(Store(served.folder / "api"))
    means = rows.pivot_table(index=["field_id", "layer"], columns="acquisition_id", values="mean")
    pd.testing.assert_series_equal(means["old"], means["new"], check_names=False)
    assert means.loc[("west", "ndvi"), "old"] == pytest.approx((0.40 - 0.03) / (0.40 + 0.03), abs=1e-4)
    again = served.run()
    assert not again.done and len(again.refused) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("404", "STAC-ASSET"),
        ("500", "HTTP-FAILS"),
        ("429", "HTTP-BUSY"),
        ("http://169.254.169.254/x", "HTTP-REDIRECT"),
        ("https://127.0.0.2/x", "HTTP-REDIRECT"),
    ],
)
def test_files_that_do_not_come(served: Served, fault: str, code: str) -> None:
    served.files.fault = fault
    ran = served.run()
    assert not ran.done and {refusal.code for refusal in ran.refused.values()} == {code}
    served.files.fault = ""
    assert set(served.run().done) == {"old", "new"}


def test_no_api_there(served: Served) -> None:
    with pytest.raises(SourceDown, match="no whole answer"):
        served.run("api.url=http://127.0.0.1:9")
    with pytest.raises(SourceDown, match=r"gives no list of items|refuses the request"):
        served.run(f"api.url={served.url}/nowhere")


CLIENT = {"client_id": "me", "client_secret": "canary-of-the-client"}
PERSON = {"username": "me@example.org", "password": "canary-of-the-person"}


def logged_in(served: Served, *more: str) -> Ran:
    api_of.cache_clear()
    token = f"api.token_url={served.files.url}/token"
    return served.run(token, 'api.login_hosts=["127.0.0.1"]', *more)


@pytest.mark.parametrize(
    ("secret", "form"),
    [
        (CLIENT, {"grant_type": "client_credentials", **CLIENT}),
        (PERSON, {"grant_type": "password", "client_id": "cdse-public", **PERSON}),
    ],
)
def test_files_behind_a_login(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    secret: dict[str, str],
    form: dict[str, str],
) -> None:
    caplog.set_level("DEBUG")
    served.files.secret, served.files.opens = form, 7
    without = served.run()
    assert {refusal.code for refusal in without.refused.values()} == {"STAC-ASSET"} and not without.done
    path = served.folder / "login.toml"
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in secret.items()))
    with pytest.raises(BadInput, match="mode 644"):
        logged_in(served, f"api.credentials={path}")
    path.chmod(0o600)
    ran = logged_in(served, f"api.credentials={path}")
    assert set(ran.done) == {"old", "new"} and len(served.files.tokens) > 3, "a token that ends in mid-run is renewed"
    path.unlink()
    for name, value in secret.items():
        monkeypatch.setenv(f"AGRO_API_{name.upper()}", value)
    assert not logged_in(served).done, "the same from the environment: nothing is left to do"
    left = [p.read_bytes() for p in served.folder.rglob("*") if p.is_file()]
    said = caplog.text + repr(ran) + repr(without)
    for canary in (*list(secret.values())[1:], "token-0", "token-1"):
        assert canary not in said and not any(canary.encode() in content for content in left)


def test_a_login_that_is_not_whole_or_not_accepted(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRO_API_USERNAME", "me")
    with pytest.raises(BadInput, match="API-CREDENTIALS"):
        logged_in(served)
    monkeypatch.setenv("AGRO_API_PASSWORD", "canary")
    served.files.secret = {"grant_type": "password", "client_id": "cdse-public", **PERSON}
    with pytest.raises(SourceDown, match=r"does not accept the login \(HTTP 401\)") as met:
        logged_in(served)
    assert "canary" not in str(met.value) + repr(met.value.refusal)
    monkeypatch.setenv("AGRO_API_TOKEN", "wrong")
    ran = logged_in(served)
    assert {refusal.code for refusal in ran.refused.values()} == {"STAC-ASSET"}


def test_a_token_goes_to_the_hosts_that_are_named_and_to_no_other(served: Served) -> None:
    login = Login({"token": "canary"}, "", ["localhost"], Patience(1, 5, 5))
    served.files.secret = {"never": "given"}
    served.files.tokens = {"canary": 9}
    url = f"{served.files.url}/catalog.json"
    assert login.asked("GET", url, {"Range": "bytes=0-9"}, 1000).status_code == 401
    there = url.replace("127.0.0.1", "localhost")
    assert login.asked("GET", there, {"Range": "bytes=0-9"}, 1000).status_code == 206


def test_files_on_s3_are_read_over_https_where_the_item_says_where() -> None:
    plain = {"type": "Feature", "stac_version": "1.0.0", "id": "a", "geometry": None, "links": []}
    other = {"alternate": {"https": {"href": "https://download.example.org/B04"}}}
    assets = {"B04": {"href": "s3://eodata/B04", **other}, "B08": {"href": "s3://eodata/B08"}}
    item = pystac.Item.from_dict({**plain, "properties": {"datetime": "2022-07-01T05:00:00Z"}, "assets": assets})
    stac_api._take_https(item)
    assert [a.href for a in item.assets.values()] == ["https://download.example.org/B04", "s3://eodata/B08"]


def test_medians_of_a_period_through_the_service_are_those_of_the_catalogue(served: Served, tmp_path: Path) -> None:
    period = date(2021, 7, 1), date(2021, 7, 31)
    made, refused = make_composite(served.settings(), *period)
    assert made is not None and made.properties["agro:acquisition_ids"] == ["old", "new"]
    assert {one.acquisition_id: one.code for one in refused} == {"twice": "SCENE-OFFSET-TWICE", "never": "SCENE-OFFSET-MISSING"}  # fmt: skip
    local = build_catalog(tmp_path, LOOKS[:2], name="local")
    plain, _ = make_composite(load("stac", local.overrides(tmp_path / "plain")), *period)
    assert plain is not None
    one, two = (
        from_parquet(read_asset(Store(tmp_path / name), item, "fields"))
        for name, item in (("api", made), ("plain", plain))
    )
    pd.testing.assert_frame_equal(one, two)
    for layer in ("ndvi", "ndmi"):
        assert read_asset(Store(tmp_path / "api"), made, layer) == read_asset(Store(tmp_path / "plain"), plain, layer)


@pytest.mark.parametrize("name", ["earth-search", "cdse", "planetary-computer"])
def test_profiles_can_be_loaded_and_their_bands_are_known(name: str) -> None:
    settings = load(f"imagery/{name}")
    assert settings.imagery.source == "stac-api" and settings.api.url.startswith("https://")
    aliases = band_aliases(CONFIGS / "bands.toml", settings.imagery.collections)
    assert {"red", "nir", "scl"} <= set(aliases)
    assert np.all([len(keys) > 0 for keys in aliases.values()])
