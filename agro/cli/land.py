"""Land to return and crops that nobody declared."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agro.cli.forecasts import AsOf
from agro.cli.options import AsJson, Config, Sets, StoreDir, the_store
from agro.cli.voice import day_of, end, print_json, told, write

if TYPE_CHECKING:
    import pandas as pd

Parcels = Annotated[
    Path | None,
    typer.Option("--parcels", help="Outlines of parcels with parcel_id; the simulated region's by default."),
]


def land(
    parcels: Parcels = None,
    checked: Annotated[
        Path | None, typer.Option("--checked", help="Table of places that somebody looked at: areas get an error.")
    ] = None,
    sample: Annotated[
        Path | None, typer.Option("--sample", help="Write a CSV of places to look at, drawn by kind and area.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw of --sample.", min=0)] = 1,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="Table of crop prices, RUB/t, of the base year.")
    ] = None,
    base_value: Annotated[
        float | None, typer.Option("--base-value", help="Output of the base year, million RUB.", min=0)
    ] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006  typer copies it
) -> None:
    """Find land that nobody works: since when, grass or woody, how much, which to return first."""
    with told("ru") as voice:
        day = day_of(as_of)
        place = the_store(config, set_, store, voice)
        from agro.reports.land_text import land_as_text
        from flows.land import Asked, sample_places
        from flows.land import land as judge
        from flows.settings import districts, load

        asked = Asked(parcels, checked, prices, None if base_value is None else base_value * 1e6, day)
        done = judge(load(config, [*set_, f"store.path={place.root}"]), asked)
        if sample is not None:
            write(sample_places(done, seed).to_csv(index=False).encode(), sample)
        if as_json:
            about = {"season": done.season, "simulated": done.simulated, "place": done.place}
            figures = {"accuracy": done.accuracy, "added_pct_per_1000_ha": done.added, "added_to": done.added_to}
            tables = {"areas": _rows(done.areas), "parcels": _rows(done.parcels)}
            print_json({**about, **figures, **tables}, done.failed)
        else:
            names = districts(voice.language)
            about_all = done.season, done.parcels, done.areas, done.accuracy, done.added
            print(land_as_text(*about_all, names, done.simulated, voice.language, done.added_to))
        end(list(done.failed), voice.language)


def crops(
    season: Annotated[
        int | None, typer.Option(help="Year of harvest; the last one seen by default.", metavar="YEAR")
    ] = None,
    parcels: Parcels = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Tell what grows where nobody declared it, how surely, and how many hectares; silent where it is not sure."""
    with told("ru") as voice:
        day = day_of(as_of)
        place = the_store(config, set_, store, voice)
        from agro.reports.land_text import crops_as_text
        from flows.crop_types import crop_types
        from flows.settings import crop_names, districts, load

        done = crop_types(load(config, [*set_, f"store.path={place.root}"]), season, parcels, day)
        right = done.tried
        if as_json:
            about = {"season": done.season, "simulated": done.simulated, "place": done.place, "model": done.name}
            figures = dict(zip(("tried", "answered", "right_of_answered", "rung"), right, strict=True))
            tables = {"fields": _rows(done.fields), "areas": _rows(done.areas), "doubted": _rows(done.doubted)}
            print_json({**about, **figures, **tables}, done.failed)
        else:
            names = crop_names(voice.language) | districts(voice.language)
            tables_ = done.fields, done.areas, done.doubted
            print(crops_as_text(done.season, *tables_, right, names, done.simulated, voice.language))
        end(list(done.failed), voice.language)


def _rows(table: "pd.DataFrame") -> list[dict[str, object]]:
    """The rows as plain JSON values; NaN is null."""
    rows: list[dict[str, object]] = json.loads(table.to_json(orient="records"))
    return rows
