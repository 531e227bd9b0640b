"""What the API is asked with, bounded; and tables as plain JSON values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

import pandas as pd
from fastapi import Depends, Path, Query, Request

from agro.portal.people import current_person, needs
from agro.portal.shelf import Shelf
from agro.reports.words import KUZBASS
from agro.store.accounts import Person
from agro.store.publish import Published

_LAST_DAY = date(2199, 12, 31)

FieldId = Annotated[str, Path(min_length=1, max_length=200)]
ResultId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
LayerName = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,40}$")]
OfFarms = Annotated[Person, Depends(needs("farmer", "agronomist"))]
Anybody = Annotated[Person, Depends(current_person)]


async def _instant(
    as_of: Annotated[
        date | None, Query(le=_LAST_DAY, ge=date(1970, 1, 1), description="known by the end of this day")
    ] = None,
) -> str | None:
    """The end of a day of Kuzbass, as the store writes instants."""
    if as_of is None:
        return None
    end = datetime.combine(as_of, time.max, UTC) - KUZBASS
    return end.isoformat(timespec="milliseconds").replace("+00:00", "Z")


AsOf = Annotated[str | None, Depends(_instant)]


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    page: Annotated[int, Query(ge=0, le=1_000_000)] = 0
    page_size: Annotated[int, Query(ge=1, le=500)] = 100

    def of(self, rows: Sequence[Any], request: Request) -> dict[str, Any]:
        """The part of a list, how long the list is, and where the next part is."""
        first = self.page * self.page_size
        more = first + self.page_size < len(rows)
        following = request.url.include_query_params(page=self.page + 1) if more else None
        place = f"{following.path}?{following.query}" if following else None
        return {"items": list(rows[first : first + self.page_size]), "total": len(rows), "next": place}


Paged = Annotated[Page, Depends(Page)]


def shelf_of(request: Request) -> Shelf:
    """What is published."""
    shelf: Shelf = request.app.state.shelf
    return shelf


def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as JSON takes them: no NaN, times as ISO text."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and not abs(value) < float("inf")):
        return None
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, pd.Timestamp | datetime) else value


def told(result: Published, *names: str) -> dict[str, Any]:
    """Some of a result's properties, by their names without the prefix."""
    about = result.item["properties"]
    return {name: about.get(f"agro:{name}") for name in names}
