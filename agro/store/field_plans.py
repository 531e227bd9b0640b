"""What people say of a field: what they call it, what will grow, how much of it they plan. No change is lost unseen."""

from dataclasses import asdict, dataclass

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from agro.store.field_tables import PLANS
from agro.store.publish import now


@dataclass(frozen=True)
class FieldPlan:
    """One field's plan. `version` counts its changes: 0 is the plan that nobody wrote yet."""

    field_id: str
    version: int = 0
    title: str = ""
    crop: str = ""
    planned_yield_t_ha: float | None = None
    note: str = ""
    changed: str = ""
    changed_by: str = ""


class FieldPlans:
    """The plans of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def of(self, field_id: str) -> FieldPlan:
        """The plan of a field."""
        with self.engine.connect() as rows:
            row = rows.execute(select(PLANS).where(PLANS.c.field_id == field_id)).mappings().first()
        return FieldPlan(**row) if row else FieldPlan(field_id)

    def titles(self, field_ids: list[str]) -> dict[str, str]:
        """What people call fields, by id, where they call them otherwise."""
        with self.engine.connect() as rows:
            named = select(PLANS.c.field_id, PLANS.c.title).where(PLANS.c.field_id.in_(field_ids), PLANS.c.title != "")
            return {row.field_id: row.title for row in rows.execute(named)}

    def change(self, plan: FieldPlan, by: str) -> bool:
        """Keep a plan made from `plan.version`; False where somebody else was quicker: nothing is kept then."""
        row = asdict(plan) | {"version": plan.version + 1, "changed": now(), "changed_by": by[:60]}
        try:
            with self.engine.begin() as rows:
                if plan.version == 0:
                    rows.execute(insert(PLANS).values(row))
                    return True
                own = (PLANS.c.field_id == plan.field_id) & (PLANS.c.version == plan.version)
                return rows.execute(update(PLANS).where(own).values(row)).rowcount == 1
        except IntegrityError:  # the first plan of a field, written twice at once
            return False
