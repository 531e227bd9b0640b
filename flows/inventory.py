"""What there is in a store: kind by kind, how many results, of which days, with which layers."""

from typing import Any

from agro.store import history
from agro.store.index import opened
from agro.store.publish import KINDS, Store


def inventory(store: Store, field_id: str | None) -> list[dict[str, Any]]:
    """A row a kind: kind, results, first and last day, assets; of a field only what lies over it. Raises BadInput."""
    box = history.field(store, field_id).geometry.bounds if field_id is not None else None
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
