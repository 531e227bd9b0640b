"""What people say of a field and the work they start: no change is lost unseen, no work is forgotten."""

from dataclasses import replace
from pathlib import Path

from agro.store.database import connected
from agro.store.field_plans import FieldPlan, FieldPlans
from agro.store.work import DONE, FAILED, RUNNING, Works


def test_the_slower_of_two_changes_nothing(tmp_path: Path) -> None:
    plans = FieldPlans(connected("", tmp_path))
    empty = plans.of("поле")
    assert empty == FieldPlan("поле") and plans.change(replace(empty, note="первый"), "Анна")
    assert not plans.change(replace(empty, note="второй"), "Пётр")
    first = plans.of("поле")
    assert (first.version, first.note, first.changed_by) == (1, "первый", "Анна")
    assert plans.change(replace(first, title="Дальнее"), "Пётр") and not plans.change(replace(first, title="x"), "Анна")
    assert plans.titles(["поле", "другое"]) == {"поле": "Дальнее"}


def test_work_is_told_of_after_its_portal_is_gone(tmp_path: Path) -> None:
    works = Works(connected("", tmp_path))
    one, two = (works.begin("поле", "prescription", "Анна", {"seconds": 0}) for _ in range(2))
    works.tell(one, {"results": ["a"]}, DONE)
    assert works.at(two).state == RUNNING  # type: ignore[union-attr]
    later = Works(connected("", tmp_path))
    later.end_orphans({"refusals": []})
    states = {work_id: later.at(work_id).state for work_id in (one, two)}  # type: ignore[union-attr]
    assert states == {one: DONE, two: FAILED}
    assert later.at("none") is None and later.newest("другое", "prescription") is None
