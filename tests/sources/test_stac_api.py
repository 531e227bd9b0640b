"""The door to STAC APIs, against a real server of the package index, and items whose offset is not that of their counts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stac_server import Files, api_over, files_of
from workshop import Made, Ran, Scene, run_plain

from agro.domain.errors import SourceDown
from agro.store.history import fieldstats
from agro.store.publish import Store
from flows.settings import CONFIGS, band_aliases, load


@dataclass
class Served:
    """A made catalogue behind an API."""

    made: Made
    files: Files
    url: str
    folder: Path

    def run(self, *more: str) -> Ran:
        sets = [
            f"api.url={self.url}",
            "api.since=2015-07-01",
            "api.attempts=2",
            f"fields.path={self.made.fields}",
            f"store.path={self.folder / 'api'}",
            'imagery.collections=["sentinel-2-l2a"]',
            *more,
        ]
        return run_plain(load("imagery/earth-search", sets))


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


@pytest.fixture
def served(make_catalog: Callable[..., Made], tmp_path: Path) -> Iterator[Served]:
    made = make_catalog(LOOKS)
    spoil(made)
    with files_of(made.catalog.parent) as files, api_over(made, files) as url:
        yield Served(made, files, url, tmp_path)


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


@pytest.mark.parametrize("name", ["earth-search", "cdse", "planetary-computer"])
def test_profiles_can_be_loaded_and_their_bands_are_known(name: str) -> None:
    settings = load(f"imagery/{name}")
    assert settings.imagery.source == "stac-api" and settings.api.url.startswith("https://")
    aliases = band_aliases(CONFIGS / "bands.toml", settings.imagery.collections)
    assert {"red", "nir", "scl"} <= set(aliases)
    assert np.all([len(keys) > 0 for keys in aliases.values()])
