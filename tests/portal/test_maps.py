"""What a tile, a place and a file say is what the store says; GDAL opens what is taken away."""

import io

import numpy as np
import pytest
import rasterio
import shapely
from conftest import World
from morecantile import tms
from PIL import Image

from agro.domain.layers import LAYERS
from agro.reports.styles import STYLES
from agro.store.by_field import ByField
from agro.store.history import fieldstats
from agro.store.kept_tiles import KeptTiles
from agro.store.publish import Store


@pytest.fixture
def ndvi(farmer) -> dict[str, str]:
    listed = farmer.get("/api/v1/fields/west/layers?layer=ndvi").json()["items"]
    assert [one["day"][:10] for one in listed] == ["2021-07-01", "2021-07-11"]
    return listed[0]


def place_of(world: World) -> shapely.Point:
    return world.app.state.shelf.seen.outlines(None).row("west").geometry.representative_point()


def test_a_tile_shows_the_value_in_its_colour_and_nothing_beyond_the_field(world: World, farmer, ndvi) -> None:
    at = place_of(world)
    told = farmer.get(f"{ndvi['value']}?lon={at.x}&lat={at.y}").json()
    rows = fieldstats(Store(world.settings.store.path))
    mine = rows[(rows["field_id"] == "west") & (rows["layer"] == "ndvi")]
    assert told["value"] == pytest.approx(mine["mean"].iloc[0], abs=1e-4) and told["within_field"]
    tile = tms.get("WebMercatorQuad").tile(at.x, at.y, 15)
    answer = farmer.get(ndvi["tiles"].format(z=tile.z, x=tile.x, y=tile.y))
    assert "immutable" in answer.headers["cache-control"]
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))
    own = pixels[pixels[..., 3] > 0]
    low, high = STYLES["ndvi"].scale
    step = (told["value"] - low) / (high - low)
    colour = np.asarray(STYLES["ndvi"].colour_map(step, bytes=True))[:3]
    assert np.abs(own[:, :3].astype(int) - colour.astype(int)).max() <= 3  # a 255th of the scale
    west, south, east, north = tms.get("WebMercatorQuad").bounds(tile)
    outline = world.app.state.shelf.seen.outlines(None).row("west").geometry
    share = outline.intersection(shapely.box(west, south, east, north)).area / ((east - west) * (north - south))
    assert (pixels[..., 3] > 0).mean() == pytest.approx(share, abs=0.01)
    again = farmer.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert "immutable" not in farmer.get(str(answer.request.url).partition("?")[0]).headers["cache-control"]


def test_a_place_beyond_the_field_says_nothing(farmer, ndvi) -> None:
    told = farmer.get(f"{ndvi['value']}?lon=0&lat=0").json()
    assert told["value"] is None and not told["within_field"]


def test_a_legend_goes_from_end_to_end_of_the_scale(farmer, ndvi) -> None:
    legend = farmer.get(ndvi["legend"]).json()
    assert (legend["stops"][0]["value"], legend["stops"][-1]["value"]) == STYLES["ndvi"].scale
    assert [one["colour"] for one in legend["stops"]] == list(STYLES["ndvi"].colours)


def test_gdal_opens_what_is_taken_away(farmer, ndvi, tmp_path) -> None:
    import geopandas as gpd

    (tmp_path / "map.tif").write_bytes(farmer.get(ndvi["file"]).content)
    with rasterio.open(tmp_path / "map.tif") as raster:
        values = raster.read(1, masked=True)
        assert raster.crs.to_epsg() == 32645 and raster.res == (10, 10)
        assert values.count() == 20 * 40 and raster.scales[0] == LAYERS["ndvi"].step
    for name in ("downloads/fields.gpkg", "downloads/fields.geojson", "fields/west/file.gpkg"):
        path = tmp_path / name.replace("/", "-")
        answer = farmer.get(f"/api/v1/{name}")
        assert answer.headers["content-disposition"].startswith("attachment")
        path.write_bytes(answer.content)
        fields = gpd.read_file(path)
        assert list(fields["field_id"]) == ["west"] and fields.crs.to_epsg() == 4326 and fields.geometry.is_valid.all()


def test_a_prescription_comes_as_it_was_proved(farmer) -> None:
    one = farmer.get("/api/v1/fields/west/prescriptions").json()["items"][0]
    assert farmer.get(one["files"]["zones"]).content == b"{}"


def test_the_board_as_a_table_runs_no_formula(world: World) -> None:
    with world.client(headers={"Authorization": f"Bearer {world.tokens['ministry']}"}) as client:
        text = client.get("/api/v1/outlook/files/board.csv").content.decode("utf-8-sig")
        assert text.splitlines()[1].startswith("'=ячмень,")
        assert client.get("/api/v1/outlook?as_of=2021-07-11").status_code == 404
        assert client.get("/api/v1/outlook?as_of=2021-07-12").json()["forecasts"][0]["yield_t_ha"] == 2.5


def test_what_was_known_on_a_day(farmer) -> None:
    assert farmer.get("/api/v1/fields?as_of=2000-01-01").json()["total"] == 0
    assert farmer.get("/api/v1/fields/west?as_of=2000-01-01").status_code == 404


def test_new_results_are_seen_and_rows_come_as_the_whole_table_has_them(store, world: World, tmp_path) -> None:
    shelf = world.app.state.shelf
    rows = fieldstats(Store(store))
    whole = rows[rows["field_id"] == "west"].reset_index(drop=True)
    mine = shelf.stats("west").drop(columns="place")
    assert len(mine) == len(whole) and set(mine.columns) == set(whole.columns)
    np.testing.assert_allclose(mine["mean"].to_numpy("float64"), whole["mean"].to_numpy("float64"))
    assert not shelf.refresh()
    fresh = ByField(tmp_path, Store(store), {"fieldstats": ("fields",)})
    assert fresh.of("west", "fieldstats", "fields").empty
    (tmp_path / "by_field-1.sqlite").write_bytes(b"torn" * 1000)
    assert ByField(tmp_path, Store(store), {"fieldstats": ("fields",)}).of("west", "fieldstats", "fields").empty


def test_kept_tiles_stay_within_their_room_and_a_torn_one_is_drawn_again(tmp_path) -> None:
    tiles = KeptTiles(tmp_path, 10_000)
    for n in range(30):
        tiles.put(f"{n:064x}", bytes(1000))
    assert sum(one.stat().st_size for one in tmp_path.glob("*/*")) <= 10_000
    assert tiles.get(f"{29:064x}") == bytes(1000) and tiles.get(f"{0:064x}") is None
    tiles.put("ab" * 32, b"")
    assert tiles.get("ab" * 32) == b""
    path = next(tmp_path.glob(f"*/{29:064x}"))
    path.write_bytes(path.read_bytes()[:500])
    assert tiles.get(f"{29:064x}") is None
