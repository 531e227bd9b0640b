"""What there is in a store: kind by kind, how many results, of which days, with which layers."""

from typing import Any

from agro.domain.errors import BadInput
from agro.store import history
from agro.store.index import opened
from agro.store.publish import KINDS, Store


def inventory(store: Store, field_id: str | None) -> list[dict[str, Any]]:
    """A row a kind: kind, results, first and last day, assets; of a field only what lies over it. Raises BadInput."""
    box: tuple[float, float, float, float] | None = None
    if field_id is not None:
        outlines = history.outlines(store).set_index("field_id")
        if field_id not in outlines.index:
            raise BadInput(
                "SHOW-FIELD",
                "there is no field {met} in the store",
                "fields are for instance {expected}",
                met=field_id,
                expected=", ".join(outlines.index[:5]),
            )
        box = outlines.loc[field_id].geometry.bounds
    rows = []
    with opened(store) as index:
        for kind in KINDS:
            found = [result for result in index.items(kind) if _over(result.item.get("bbox"), box)]
            if not found:
                continue
            days = sorted(str(result.properties["datetime"])[:10] for result in found)
            assets = dict.fromkeys(name for result in found for name in result.item["assets"])
            rows.append(
                {"kind": kind, "results": len(found), "first": days[0], "last": days[-1], "assets": list(assets)}
            )
    return rows


def _over(box: list[float] | None, field: tuple[float, float, float, float] | None) -> bool:
    if box is None or field is None:
        return True
    return bool(box[0] <= field[2] and box[2] >= field[0] and box[1] <= field[3] and box[3] >= field[1])
