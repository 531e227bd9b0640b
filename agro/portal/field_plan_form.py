"""What a farmer may write of a field: the form's words, read and bounded."""

from fastapi import Request

from agro.domain.errors import BadInput
from agro.store.field_plans import FieldPlan, FieldPlans
from flows.settings import crop_names

_HIGHEST_DT_HA = 1500.0  # [dt/ha] green mass; more is a slip of the pen


def plans_of(request: Request) -> FieldPlans:
    """The plans of all fields."""
    plans: FieldPlans = request.app.state.plans
    return plans


def crop_choices(language: str) -> list[tuple[str, str]]:
    """Every crop that can be planned, by name."""
    return sorted(crop_names(language).items(), key=lambda one: one[1])


def plan_from(field_id: str, version: str, title: str, crop: str, planned: str, note: str) -> FieldPlan:
    """The plan that a form brings. Raises BadInput."""
    if crop and crop not in crop_names("en"):
        raise BadInput("PLAN-CROP", "there is no crop {met}", "choose one of the list", met=crop[:60])
    if not version.isdecimal() or len(version) > 9:
        raise BadInput("PLAN-VERSION", "the form has no version", "load the page again")
    return FieldPlan(field_id, int(version), _line(title, 80), crop, planned_t_ha(planned), _text(note, 1000))


def planned_t_ha(text: str) -> float | None:
    """A planned yield as people write it [dt/ha], in t/ha; None where nothing is written. Raises BadInput."""
    words = text.strip().replace(",", ".").replace("\u202f", "").replace(" ", "")
    if not words:
        return None
    try:
        value = float(words)
    except ValueError:
        value = float("nan")
    if not 0 < value <= _HIGHEST_DT_HA:
        raise BadInput(
            "PLAN-YIELD",
            "the planned yield is {met}, expected a number of dt/ha above 0 and at most {expected}",
            "write it for instance as 25 or 25,5",
            met=text[:30],
            expected=int(_HIGHEST_DT_HA),
        )
    return value / 10


def _line(text: str, longest: int) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:longest].strip()


def _text(text: str, longest: int) -> str:
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n")[:longest].strip()
