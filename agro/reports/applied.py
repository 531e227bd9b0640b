"""What came of a machine's work, in sentences: kilograms, hectares, how near to the plan, how late."""

from collections.abc import Mapping

from agro.reports.words import number, say


def as_text(field_id: str, product: str, unit: str, figures: Mapping[str, float | None], language: str) -> str:
    """The figures of a comparison as lines.

    unit      of the log: kg/ha, l/ha or 1/ha
    figures   by the names of `agro.agromaps.as_applied.Comparison`: [kg], [ha], [kg/ha], [s], [1]; None is not known
    language  `ru` or `en`
    returns   text [-]
    source    ours
    """
    mass = say("kg", language) if unit == "kg/ha" else say("l", language) if unit == "l/ha" else say("pieces", language)
    rate = f"{mass}/{say('ha', language)}"

    def told(name: str, digits: int, times: float = 1.0) -> str:
        value = figures[name]
        return "-" if value is None else number(value * times, digits, language)

    lines = [say("Field {field}: {product}", language, field=field_id, product=product or "-")]
    lines.append(say("Put out by the log: {met} {mass}", language, met=told("applied_kg", 0), mass=mass))
    if figures["counter_kg"] is not None:
        lines.append(say("By the machine's counter: {met} {mass}", language, met=told("counter_kg", 0), mass=mass))
    if figures["planned_kg"] is not None:
        lines.append(say("Prescribed for the field: {met} {mass}", language, met=told("planned_kg", 0), mass=mass))
    worked, field = told("worked_ha", 1), told("field_ha", 1)
    lines.append(say("Worked: {met} ha, the field has {field} ha", language, met=worked, field=field))
    if figures["doubled_ha"] is not None:
        lines.append(
            say(
                "Doubled: {doubled} ha, left out: {left} ha, outside the field: {outside} ha",
                language,
                doubled=told("doubled_ha", 2),
                left=told("left_out_ha", 2),
                outside=told("outside_ha", 2),
            )
        )
    if figures["bias_kg_ha"] is not None:
        lines.append(
            say(
                "Against the plan: {bias} {rate} on the average, off by {error} {rate}; right within 10 % on {near} %",
                language,
                bias=told("bias_kg_ha", 1),
                error=told("error_kg_ha", 1),
                near=told("near", 0, 100.0),
                rate=rate,
            )
        )
    if figures["lag_s"] is not None:
        lines.append(say("The rate comes {met} s after its place", language, met=told("lag_s", 1)))
    return "\n".join(lines)
