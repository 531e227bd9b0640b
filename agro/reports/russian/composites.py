"""The Russian of what is said about several passes put together."""

COMPOSITES: dict[str, str] = {
    "medians of periods": "медианы за периоды",
    "Median of {n} looks: {where}": "Медиана по снимкам ({n}): {where}",
    "No pass shows the fields in these days": "За эти дни поля не видны ни на одном снимке",
    "{first} is later than {last}": "{first} позже, чем {last}",
    "give the first day of the period before the last": "укажите первый день периода раньше последнего",
}
