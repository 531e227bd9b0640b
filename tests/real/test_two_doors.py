"""One data set through two doors: real passes read as a STAC catalogue, and through Sentinel Hub's client and a peer.

Nothing is resampled on either way, for every band is asked for on its own lattice, so all layers must be equal to the
last count: the tolerance is zero.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hub_peer import CLIENT, SECRET, peer_over
from workshop import figure, run_plain, shared_ground

from agro.store.history import fieldstats
from agro.store.publish import Store
from flows.imagery_doors import client_of
from flows.settings import load

SINCE = "2018-08-01"


def test_the_same_layers_through_both_doors(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SH_CLIENT_ID", CLIENT)
    monkeypatch.setenv("SH_CLIENT_SECRET", SECRET)
    client_of.cache_clear()
    folder = real / "flanders-2018"
    fields = f"fields.path={folder}/fields.gpkg"
    catalog = folder / "catalog/catalog.json"
    read = run_plain(load("stac", [f"imagery.catalog={catalog}", fields, f"store.path={tmp_path / 'stac'}"]))
    with peer_over(catalog) as peer:
        sets = peer.sets(tmp_path / "ledger", fields, f"store.path={tmp_path / 'hub'}", f"hub.since={SINCE}")
        asked = run_plain(load("sentinel-hub", sets))
    assert not read.refused and not asked.refused
    assert set(asked.done) == {name for name in read.done if name.split("_")[2] >= SINCE.replace("-", "")}
    layers = pixels = 0
    for item in sorted((tmp_path / "hub/passes").glob("*/*")):
        name = item.name.partition("--")[0]
        (twin,) = (tmp_path / "stac/passes").glob(f"*/{name}--*")
        mine, theirs = ({path.name for path in one.glob("*.tif")} for one in (item, twin))
        assert mine == theirs
        for layer in mine:
            a, b = shared_ground(item / layer, twin / layer)
            assert np.array_equal(a, b), f"{name} {layer}"
            layers, pixels = layers + 1, pixels + a.size
    assert layers > 300
    rows = [
        fieldstats(Store(tmp_path / name)).set_index(["acquisition_id", "field_id", "layer"])
        for name in ("hub", "stac")
    ]
    hub, stac = rows[0].sort_index(), rows[1].loc[rows[0].index].sort_index()
    pd.testing.assert_frame_equal(hub, stac)
    figure("Flanders 2018 through two doors", f"{len(asked.done)} passes", f"{layers} layers, {pixels} px", "all equal")
