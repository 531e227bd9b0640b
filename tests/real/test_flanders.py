"""The main job on real Sentinel-2 passes over declared fields, against plain NumPy on the same files."""

import email
import email.policy
import json
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from workshop import Ran, run_plain

from agro.region.fallow import SeasonRules, season_uses
from agro.store.history import fieldstats
from agro.store.publish import Store
from flows.land_looks import land_looks
from flows.settings import CONFIGS, facts, load
from flows.watch_fields import watch


@pytest.fixture(scope="module")
def store_2018(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("f18")


@pytest.fixture(scope="module")
def flanders_2018(real: Path, store_2018: Path) -> tuple[Ran, pd.DataFrame]:
    return published(real / "flanders-2018", store_2018)


def published(folder: Path, store: Path) -> tuple[Ran, pd.DataFrame]:
    catalog = f"imagery.catalog={folder}/catalog/catalog.json"
    ran = run_plain(load("stac", [catalog, f"fields.path={folder}/fields.gpkg", f"store.path={store}"]))
    return ran, fieldstats(Store(store))


def test_all_118_passes_are_published_in_the_zone_of_the_fields(flanders_2018: tuple[Ran, pd.DataFrame]) -> None:
    ran, rows = flanders_2018
    assert len(ran.done) == 118 and not ran.refused
    assert ran.plan.land.crs == "EPSG:32631"
    assert len(rows) == 118 * 10 * 5
    assert rows.loc[rows["n_px"] == 0, "mean"].isna().all()


def test_every_clear_mean_equals_plain_numpy(real: Path, flanders_2018: tuple[Ran, pd.DataFrame]) -> None:
    """NDVI and NDMI of all passes and fields, recomputed from the files with nothing of ours."""
    _, rows = flanders_2018
    ours = rows.set_index(["acquisition_id", "field_id", "layer"])
    fields = gpd.read_file(real / "flanders-2018" / "fields.gpkg")
    masks = {size: [wholly_inside(o.buffer(-size), size) for o in fields.geometry] for size in (10, 20)}
    compared = 0
    for item in sorted((real / "flanders-2018/catalog/sentinel-2-l2a").glob("*/*.json")):
        assert all(a["raster:bands"][0].get("offset", 0) == 0 for a in json.loads(item.read_text())["assets"].values())
        clear = clear_sky(band(item, "SCL"))
        for layer, size, low, high in (("ndvi", 10, "B04", "B08"), ("ndmi", 20, "B11", "B8A")):
            a, b = (np.clip(band(item, name) * 1e-4, 1e-4, None) for name in (low, high))
            index = np.round((b - a) / (b + a), 4)
            seen = clear.repeat(20 // size, 0).repeat(20 // size, 1) & (band(item, low) > 0) & (band(item, high) > 0)
            for field_id, mask in zip(fields["field_id"], masks[size], strict=True):
                if not mask.any():
                    continue
                row = ours.loc[(item.stem, field_id, layer)]
                theirs = index[mask & seen]
                assert row["n_px"] == len(theirs)
                assert row["clear_fraction"] == pytest.approx(len(theirs) / mask.sum())
                if len(theirs):
                    assert row["mean"] == pytest.approx(theirs.mean(), abs=1.1e-4)
                    assert row["p50"] == pytest.approx(np.median(theirs), abs=1.1e-4)
                    compared += 1
    assert compared > 500


def band(item: Path, name: str) -> np.ndarray:
    with rasterio.open(item.parent / f"{name}.tif") as raster:
        return raster.read(1).astype(float)


def clear_sky(classes: np.ndarray) -> np.ndarray:
    """Classes 4 and 5, at least 100 m from cloud and shadow, by brute force."""
    rows, columns = np.mgrid[: classes.shape[0], : classes.shape[1]]
    clear = np.isin(classes, (4, 5))
    for bad in ((8, 9, 10), (3,)):
        for r, c in np.argwhere(np.isin(classes, bad)):
            clear &= (rows - r) ** 2 + (columns - c) ** 2 > 25
    return clear


def wholly_inside(outline: object, size: int) -> np.ndarray:
    side = 640 // size
    source = NumPyRasterSource(np.arange(side * side).reshape(side, side), 501360, 5629040, 502000, 5629680)
    mask = np.zeros(side * side, bool)
    if not outline.is_empty:  # type: ignore[attr-defined]
        feature = {"type": "Feature", "geometry": outline.__geo_interface__, "properties": {}}  # type: ignore[attr-defined]
        got = exact_extract(source, [feature], ["values", "coverage"])[0]["properties"]
        mask[got["values"][got["coverage"] >= 0.999].astype(int)] = True
    return mask.reshape(side, side)


def test_curves_look_like_the_crops_that_were_declared(flanders_2018: tuple[Ran, pd.DataFrame]) -> None:
    """Maize is bare in May, green in July, gone in October; grassland stays green from winter to spring."""
    _, rows = flanders_2018
    clear = rows[(rows["layer"] == "ndvi") & (rows["clear_fraction"] > 0.7) & (rows["acquired_at"].dt.year == 2018)]
    month = clear.groupby(["field_id", clear["acquired_at"].dt.month])["p50"].median().unstack()
    maize, grass = month.loc["flanders-2018-05"], month.loc["flanders-2018-04"]
    assert maize[5] < 0.35 < 0.7 < maize[7] and maize[10] < 0.35
    assert grass[[2, 4]].min() > 0.75 and grass[4] - maize[5] > 0.4


def test_letters_of_2018_tell_a_meadow_mown_and_maize_in_the_drought(
    real: Path, store_2018: Path, flanders_2018: tuple[Ran, pd.DataFrame], tmp_path: Path
) -> None:
    """Between 6 and 9 May the largest meadow lost a quarter of its NDVI and its neighbours nothing; while all grass
    browned together in June and July nobody is told; what harvest ends is over."""
    folder = real / "flanders-2018"
    read = [f"imagery.catalog={folder}/catalog/catalog.json", f"fields.path={folder}/fields.gpkg"]
    settings = load("stac", [*read, f"store.path={store_2018}", f"messages.outbox={tmp_path}"])
    told = {}
    for day in ("05-06", "05-09", "05-11", "05-26", "06-28", "07-15", "07-28", "08-07", "09-21"):
        watch(settings, date.fromisoformat(f"2018-{day}"))
        newest = max((store_2018 / "alerts" / "2018").iterdir(), key=lambda item: item.name)
        told[day] = {(one.field_id[-2:], one.what) for one in pd.read_parquet(newest / "alerts.parquet").itertuples()}
    mown, dry = {("04", "field_behind")}, {("05", "part_behind")}
    assert told["05-09"] == told["05-11"] == mown
    assert told["08-07"] == dry
    assert not any(told[day] for day in ("05-06", "05-26", "06-28", "07-15", "07-28", "09-21"))
    first = min(tmp_path.glob("2018-05-09*.eml"))
    text = email.message_from_bytes(first.read_bytes(), policy=email.policy.default).get_body().get_content()
    assert "flanders-2018-04" in text and "Если здесь косили" in text and "не было 06.05.2018" in text


def test_20_m_bands_only(real: Path, tmp_path: Path) -> None:
    ran, rows = published(real / "flanders-2019", tmp_path)
    assert len(ran.done) == 146 and not ran.refused
    assert set(rows["layer"]) == {"ndre", "ndmi"}
    assert all(done.left_out["ndvi"].reason == "the item names no asset for red, nir" for done in ran.done.values())


def test_no_field_that_is_worked_looks_idle(flanders_2018: tuple[Ran, pd.DataFrame]) -> None:
    """Declared maize is a crop, declared grassland is mown; nothing of 2018 is taken for land that nobody works."""
    rules = facts(CONFIGS / "land.toml")
    looks = land_looks(flanders_2018[1], 0.3, no_falls=False).rename(columns={"field_id": "parcel_id"})
    uses = season_uses(looks, SeasonRules(**rules["season"]), ("08-25", "09-15"))
    told = uses[uses["season"] == 2018].set_index("parcel_id")["use"]
    assert not (told == "idle").any()
    assert (told[[f"flanders-2018-{n}" for n in ("01", "04", "06", "09", "10")]] == "mown").all()
    assert (told[["flanders-2018-05", "flanders-2018-08"]] == "crop").all()
