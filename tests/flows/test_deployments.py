from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from workshop import Made, Scene

from agro.domain.errors import BadInput
from agro.imagery.overpass import overpasses
from flows.deployments import deployments, look_schedules
from flows.settings import load


def test_a_look_follows_every_predicted_overpass(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    overrides = made.overrides(tmp_path / "s", "serve.after_overpass_h=[4.0]", 'serve.look_cron="5 */2 * * *"')
    since = datetime(2026, 6, 1, tzinfo=UTC)
    cron, *after = look_schedules(load("stac", overrides), since)
    assert cron.cron == "5 */2 * * *"
    anchors = sorted(schedule.anchor_date for schedule in after)
    assert all(schedule.interval == timedelta(days=5) for schedule in after)
    looks = overpasses(85.5, 55.0, since, 5)
    assert [anchor - timedelta(hours=4) for anchor in anchors] == [look.at for look in looks]


def test_what_starts_what(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    look, after_pass, watch, outlook, review, land = deployments("stac", made.overrides(tmp_path / "s"))
    assert len(look.schedules) > 3 and not after_pass.schedules
    (trigger,) = after_pass.triggers
    assert trigger.expect == {"agro.passes.found"}
    assert len(review.schedules) == 2 and review.triggers[0].expect == {"agro.passes.published"}
    assert outlook.triggers[0].expect == {"agro.passes.published"}
    assert [one.schedule.cron for one in outlook.schedules] == ["0 4 * 5-10 1"]
    assert [one.schedule.cron for one in land.schedules] == ["0 5 1 6-11 *"] and not land.triggers
    (published,) = watch.triggers
    assert published.expect == {"agro.passes.published"} and len(watch.schedules) == 1
    assert after_pass.parameters["overrides"][-1] == "store.wait_s=3600"
    assert "imagery.unlinked=true" in after_pass.parameters["overrides"]


def test_a_cron_that_is_none_ends_in_a_sentence(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    settings = load("stac", made.overrides(tmp_path / "s", "serve.look_cron=99 * * * *"))
    with pytest.raises(BadInput, match=r"serve.look_cron is 99"):
        look_schedules(settings, datetime(2026, 6, 1, tzinfo=UTC))
