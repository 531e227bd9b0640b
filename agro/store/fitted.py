"""Fitted models as bytes: skops, which runs nothing at reading, with the types that may be in them and the versions."""

from typing import Any

import sklearn
import skops
import skops.io

from agro.domain.errors import BadInput
from agro.store.publish import Published, Store, read_asset, torn

# Beside what skops trusts by itself (numbers, text, arrays, scikit-learn's public estimators).
ALLOWED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree")
MODEL, _TYPE = "model", "application/octet-stream"


def to_skops(content: Any) -> bytes:
    """A model's content as bytes."""
    written: bytes = skops.io.dumps(content)
    return written


def asset(title: str) -> dict[str, Any]:
    """The asset entry of a model."""
    return {"href": "model.skops", "type": _TYPE, "title": title, "roles": ["data"]}


def versions(algorithm: int) -> dict[str, str]:
    """What a model is made with, and must be read with."""
    return {"algorithm": str(algorithm), "scikit-learn": sklearn.__version__, "skops": skops.__version__}


def read_model(store: Store, result: Published, algorithm: int) -> Any:
    """The content of a published model, checked by sha-256, versions and types before anything of it is built.

    Raises TornFile where a byte differs, BadInput where it was made by other versions or holds other types.
    """
    met, expected = result.properties.get("agro:made_with", {}), versions(algorithm)
    if met != expected:
        raise BadInput(
            "MODEL-VERSION",
            "{where}: the model was made with {met}, here is {expected}",
            "fit it again with `agro train`",
            where=result.place,
            met=_listed(met),
            expected=_listed(expected),
        )
    content = read_asset(store, result, MODEL)
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=content)) - set(ALLOWED_TYPES))
    except Exception as error:  # whatever a reader of strange bytes raises: it is no model
        raise torn(result.place, f"{type(error).__name__}: {error}"[:200]) from None
    if foreign:
        raise BadInput(
            "MODEL-TYPES",
            "{where}: the model holds {met}, which no model of ours does; it is not read",
            "find out who wrote it; fit it again with `agro train`",
            where=result.place,
            met=", ".join(foreign),
        )
    return skops.io.loads(content, trusted=list(ALLOWED_TYPES))


def _listed(made_with: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(made_with.items())) or "-"
