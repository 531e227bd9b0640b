"""Which flow runs when: schedules, and what starts what.

`python -m flows.deployments CONFIG [OVERRIDE...]` serves them all at the Prefect server of the environment.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.flows import EntrypointType
from prefect.schedules import Cron, Interval, Schedule

from agro.domain.errors import BadInput
from agro.imagery.overpass import REPEAT, overpasses
from flows.after_pass import after_pass
from flows.land_review import land_review
from flows.look_for_passes import look_for_passes
from flows.occasions import FOUND, PUBLISHED, when
from flows.plan import read_land
from flows.settings import Settings, load
from flows.watch_fields import watch_fields
from flows.weekly_outlook import weekly_outlook
from flows.winter_review import winter_review

FALLBACK_CRON = "30 2 * * 1"  # Monday morning in Kuzbass: what an event lost is made up for
OUTLOOK_CRON = "0 4 * 5-10 1"  # Mondays of the season: weather and harvest go on without a pass
LAND_CRON = "0 5 1 6-11 *"  # the first of each month from June: what the month before showed
WINTER_CRON = "0 3 1 11 *"  # when the season is over
WAIT_S = 3600  # [s] a scheduled run waits for one that somebody started by hand
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


def parameters_of(config: str, overrides: Sequence[str]) -> dict[str, Any]:
    """What each flow is started with."""
    return {"config": config, "overrides": ["imagery.unlinked=true", *overrides, f"store.wait_s={WAIT_S}"]}


def look_schedules(settings: Settings, since: datetime) -> list[Schedule]:
    """The cron of the settings, and a schedule for each relative orbit over the fields, hours after its overpass."""
    middles = read_land(settings).outlines.geometry.representative_point()
    places = {(round(2 * p.x) / 2, round(2 * p.y) / 2) for p in middles}  # half a degree sees the same orbits
    first = {
        look.relative_orbit: look.at
        for longitude, latitude in sorted(places)
        for look in reversed(overpasses(longitude, latitude, since, REPEAT.days))
    }
    try:
        cron = Cron(settings.serve.look_cron, timezone="UTC")
    except ValueError:
        raise BadInput(
            "CFG-VALUE",
            "configuration key {where} is {met}, expected {expected}",
            "configs/default.toml says what each key takes",
            where="serve.look_cron",
            met=settings.serve.look_cron,
            expected="0 */3 * * *",
        ) from None
    return [
        cron,
        *(
            Interval(REPEAT, anchor_date=at + timedelta(hours=hours), timezone="UTC")
            for _, at in sorted(first.items())
            for hours in settings.serve.after_overpass_h
        ),
    ]


def deployments(config: str, overrides: Sequence[str]) -> list[Any]:
    """The deployments of one configuration: look (clock, overpasses), after-pass (one was found), what follows it."""
    settings = load(config, overrides)
    parameters = parameters_of(config, overrides)
    common: dict[str, Any] = {"parameters": parameters, "entrypoint_type": EntrypointType.MODULE_PATH}
    found, published = when(FOUND, settings, parameters), when(PUBLISHED, settings, parameters)
    return [
        look_for_passes.to_deployment(
            "look",
            schedules=look_schedules(settings, datetime.now(UTC)),
            concurrency_limit=ONE_AT_A_TIME,
            **common,
        ),
        after_pass.to_deployment("after-pass", triggers=[found], concurrency_limit=ONE_AT_A_TIME, **common),
        watch_fields.to_deployment(
            "watch-fields",
            triggers=[published],
            schedules=[Cron(FALLBACK_CRON, timezone="UTC")],
            concurrency_limit=ONE_AT_A_TIME,
            **common,
        ),
        weekly_outlook.to_deployment(
            "weekly-outlook",
            triggers=[published],
            schedules=[Cron(OUTLOOK_CRON, timezone="UTC")],
            concurrency_limit=ONE_AT_A_TIME,
            **common,
        ),
        winter_review.to_deployment(
            "winter-review",
            triggers=[published],
            schedules=[Cron(WINTER_CRON, timezone="UTC"), Cron(FALLBACK_CRON, timezone="UTC")],
            concurrency_limit=ONE_AT_A_TIME,
            **common,
        ),
        land_review.to_deployment(
            "land-review",
            schedules=[Cron(LAND_CRON, timezone="UTC")],
            concurrency_limit=ONE_AT_A_TIME,
            **common,
        ),
    ]


def main() -> None:
    """Serve the deployments until stopped."""
    config, *overrides = sys.argv[1:] or ["default"]
    serve(*deployments(config, overrides), print_starting_message=False, pause_on_shutdown=False)


if __name__ == "__main__":
    main()
