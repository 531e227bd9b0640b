"""What the fields will yield: forecasts as of a day, the models behind them, and how they did."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from agro.cli.options import AsJson, Config, Sets, StoreDir, the_store
from agro.cli.voice import day_of, end, print_json, told

if TYPE_CHECKING:
    from agro.domain.outlook import Forecast

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="As the end of this day knew it; the last known day by default.", metavar="DATE"),
]


def forecast(
    as_of: AsOf = None,
    district: Annotated[
        str | None, typer.Option(help="Only this district, and each of its fields.", metavar="CODE")
    ] = None,
    as_json: AsJson = False,
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006  typer copies it
) -> None:
    """Foresee the yields of fields, districts and the region, with intervals, and what was withheld and why."""
    with told("ru") as voice:
        day = day_of(as_of)
        place = the_store(config, set_, store, voice)
        from agro.reports.forecast_text import forecasts_as_text
        from flows.settings import crop_names, districts, load
        from flows.weekly_outlook import of_district, outlook

        done = outlook(load(config, [*set_, f"store.path={place.root}"]), day, district)
        shown = of_district(done, district)
        if as_json:
            rows = [_as_json(one) for one in shown]
            about = {"as_of": done.as_of.isoformat(), "simulated": done.simulated, "place": done.place}
            print_json({**about, "forecasts": rows}, done.failed)
        else:
            names = crop_names(voice.language) | districts(voice.language)
            print(forecasts_as_text(done.as_of, shown, names, done.simulated, voice.language))
        end(list(done.failed), voice.language)


def train(
    as_of: AsOf = None,
    as_json: AsJson = False,
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Fit the yield models of every crop for the days of configs/yields.toml, where they are not fitted yet."""
    with told("ru") as voice:
        day = day_of(as_of)
        place = the_store(config, set_, store, voice)
        from agro.reports.forecast_text import models_as_text
        from flows.settings import crop_names, load
        from flows.train_yields import train as train_all

        done = train_all(load(config, [*set_, f"store.path={place.root}"]), day)
        if as_json:
            print_json({"models": [vars(one) for one in done.models]}, done.failed)
        else:
            print(models_as_text(done.models, crop_names(voice.language), voice.language))
        end(list(done.failed), voice.language)


def score(
    season: Annotated[
        int | None, typer.Option(help="Year of harvest; every season by default.", metavar="YEAR")
    ] = None,
    as_json: AsJson = False,
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Hold published forecasts against what was harvested: error, skill, coverage, share answered."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.forecast_text import scores_as_text
        from flows.forecast_scores import score_published
        from flows.settings import crop_names, load

        done = score_published(load(config, [*set_, f"store.path={place.root}"]), season)
        if as_json:
            print(json.dumps({"scores": json.loads(done.to_json(orient="records"))}, ensure_ascii=False))
        else:
            print(scores_as_text(done, crop_names(voice.language), voice.language))


def _as_json(one: "Forecast") -> dict[str, object]:
    """One forecast as plain JSON values."""
    known = {
        name: getattr(one, name) for name in ("scope", "subject", "crop", "season", "quantity", "model", "answered")
    }
    estimate = None if one.estimate is None else {"value": one.estimate.value, "unit": one.estimate.unit}
    if estimate and one.estimate and one.estimate.se == one.estimate.se:
        estimate["se"] = one.estimate.se
    ends = [vars(interval) for interval in one.intervals]
    why = one.why.as_json() if one.why else None
    return {**known, "as_of": one.as_of.isoformat(), "estimate": estimate, "intervals": ends, "why": why}
