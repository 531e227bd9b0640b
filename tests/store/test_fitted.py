"""Fitted models in the store: read back to the bit, refused where a byte, a version or a type is another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

from agro.domain.errors import BadInput, TornFile
from agro.store import fitted
from agro.store import stac as items
from agro.store.publish import Published, Store, publish, writing


def published(root: Path, content: bytes, versions: dict[str, str] | None = None) -> tuple[Store, Published]:
    made_with = versions or fitted.versions(1)
    about = {"datetime": "2022-01-01T00:00:00Z", "agro:made_with": made_with}
    with writing(root) as store:
        item = items.item("k", None, about, {"model": fitted.asset("a model")})
        return store, publish(store, "models/yields/k", {"model": content}, item)


def trees() -> Any:
    x = np.random.default_rng(0).normal(size=(200, 3))
    return HistGradientBoostingRegressor(max_iter=10).fit(x, x[:, 0]), x


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    model, x = trees()
    store, result = published(tmp_path / "s", fitted.to_skops({"trees": model, "names": ["a"], "at": np.arange(3.0)}))
    again = fitted.read_model(store, result, 1)
    assert np.array_equal(again["trees"].predict(x), model.predict(x)) and again["names"] == ["a"]


def test_a_changed_byte_ends_in_a_sentence(tmp_path: Path) -> None:
    store, result = published(tmp_path / "s", fitted.to_skops({"trees": trees()[0]}))
    file = store.root / result.place / "model.skops"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(TornFile, match="sha-256 of model differs"):
        fitted.read_model(store, result, 1)


def test_another_version_ends_in_a_sentence(tmp_path: Path) -> None:
    old = {**fitted.versions(1), "scikit-learn": "0.24"}
    store, result = published(tmp_path / "s", fitted.to_skops({}), old)
    with pytest.raises(BadInput, match=r"made with .*scikit-learn 0.24.*, here is "):
        fitted.read_model(store, result, 1)
    with pytest.raises(BadInput, match="algorithm 0"):
        fitted.read_model(*published(tmp_path / "t", fitted.to_skops({}), fitted.versions(0)), 1)


def test_foreign_types_are_not_built(tmp_path: Path) -> None:
    store, result = published(tmp_path / "s", fitted.to_skops({"path": Path("a"), "model": RandomForestRegressor()}))
    with pytest.raises(BadInput, match=r"pathlib"):
        fitted.read_model(store, result, 1)


def test_bytes_that_are_no_model_end_in_a_sentence(tmp_path: Path) -> None:
    store, result = published(tmp_path / "s", b"no zip at all")
    with pytest.raises(TornFile, match="damaged"):
        fitted.read_model(store, result, 1)
