"""What task data of a terminal hold, in lines: tasks with their rates, and logs."""

from collections.abc import Mapping, Sequence
from typing import Any

from agro.reports.words import number, say


def as_text(tasks: Sequence[Mapping[str, Any]], logs: Sequence[Mapping[str, Any]], language: str) -> str:
    """Tasks and logs as lines.

    tasks     task, field, customer, farm, kind (cells or areas), rows, columns, areas, rates: product, unit, lowest,
              highest, mean [unit]
    logs      name, records [1], first and last (by the machine's clock), quantities
    language  `ru` or `en`
    returns   text [-]
    source    ours
    """
    lines = []
    for task in tasks:
        about = {name: task[name] or "-" for name in ("task", "field", "customer", "farm")}
        lines.append(say("{task}: field {field}, farm {farm}, customer {customer}", language, **about))
        if task["rows"]:
            lines.append("  " + say("cells: {rows} rows of {columns}", language, **task))
        if task["areas"]:
            lines.append("  " + say("areas: {areas}", language, **task))
        for rate in task["rates"]:
            shown = {
                name: number(rate[name], 1, language)
                for name in ("lowest", "highest", "mean")
                if rate[name] is not None
            }
            spread = (
                say("{lowest} to {highest}, mean {mean} {unit}", language, unit=rate["unit"], **shown) if shown else "-"
            )
            lines.append(f"  {rate['product'] or '-'}: {spread}")
    for log in logs:
        lines.append(say("{name}: {records} records, {first} to {last}", language, **log))
        lines.append("  " + ", ".join(log["quantities"]))
    return "\n".join(lines) or say("There are no rates and no logs in it.", language)


def _spread(rate: Mapping[str, Any], language: str) -> str:
    if rate["mean"] is None:
        return "-"
    shown = {name: number(rate[name], 1, language) for name in ("lowest", "highest", "mean")}
    return say("{lowest} to {highest}, mean {mean} {unit}", language, unit=rate["unit"], **shown)
