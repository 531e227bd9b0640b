"""Land to return and crops that nobody declared, for a person: how much, since when, what to begin with, how sure."""

from collections.abc import Mapping

import pandas as pd

from agro.reports.words import number, say

LAND_WORDS = {
    **{"abandoned": "nobody works it", "resting": "not worked of late", "hay": "hayfield"},
    **{"no_till": "crops without tillage", "cropland": "ploughland", "unknown": "not seen enough"},
    **{"grass": "grass", "woody": "birch or shrub"},
    **{"soil": "soil", "relief": "relief", "distance": "distance", "cost": "cost"},
    **{"majority": "the commonest crop", "nearest": "the nearest usual season", "forest": "a forest of trees"},
    **{"spring_cereals": "spring cereals", "winter_cereals": "winter cereals", "other": "another crop"},
}
_SIMULATED = "SIMULATED: no figure is of a real district or field"


def land_as_text(
    season: int,
    parcels: pd.DataFrame,
    areas: pd.DataFrame,
    accuracy: tuple[float, float] | None,
    added: tuple[float, float] | None,
    names: Mapping[str, str],
    simulated: bool,
    language: str,
    added_to: int | None = None,
) -> str:
    """What the parcels are, and the abandoned ones by rank.

    season     the last one [a]
    parcels    a row a parcel, as `flows.land` keeps them
    areas      a row a kind: `class`, `mapped_ha`, `area_ha`, `se_ha` [ha]; the last two NaN where nobody checked
    accuracy   share of the area that is mapped as it is, and its error [1]
    added      of a thousand hectares: per cent of the base year's output, and its error [%]
    names      what districts are called, by their code
    simulated  whether the region is made up
    language   `ru` or `en`
    added_to   the year whose indicator `added` is points of; None: it is per cent of a base year's output [a]
    returns    lines of text [-]
    source     ours
    """
    lines = [say("Land of the parcel layer after the season of {season}", language, season=season)]
    lines += [say(_SIMULATED, language)] if simulated else []
    lines += [""]
    for row in areas.itertuples(index=False):
        name = say(LAND_WORDS.get(str(row[0]), str(row[0])), language)
        mapped = _ha(row.mapped_ha, language)
        if row.area_ha == row.area_ha:
            facts = {"area": _ha(row.area_ha, language), "se": _ha(row.se_ha, language)}
            told = say("{area} ± {se} ha by the checked sample ({mapped} ha mapped)", language, mapped=mapped, **facts)
        else:
            told = say("{mapped} ha mapped", language, mapped=mapped)
        lines.append(f"  {name}: {told}")
    lines += ["", _sure(accuracy, language), say("Nothing is said of land outside the layer.", language), ""]
    lines += _ranked(parcels, names, language)
    lines += ["", _added(added, added_to, language)]
    return "\n".join(lines)


def crops_as_text(
    season: int,
    fields: pd.DataFrame,
    areas: pd.DataFrame,
    doubted: pd.DataFrame,
    right: tuple[int, float, float, str],
    names: Mapping[str, str],
    simulated: bool,
    language: str,
) -> str:
    """What grows where nobody declared it.

    season     of which [a]
    fields     a row a field without a declared crop: `unit_id`, `crop` (None: not told), `probability` [1]
    areas      a row a district and crop: `area_ha`, `se_ha` [ha]
    doubted    declared fields that surely look otherwise: `unit_id`, `observed`, `told`, `probability` [1]
    right      of declared fields whose farm the model did not know: how many [1], share answered, right of these [1],
               and which rung spoke
    names      what crops and districts are called, by their code
    simulated  whether the region is made up
    language   `ru` or `en`
    returns    lines of text [-]
    source     ours
    """
    lines = [say("Crops seen from above, {season}", language, season=season)]
    lines += [say(_SIMULATED, language)] if simulated else []
    count, answered, hit, rung = right
    shares = {"answered": round(100 * answered), "right": round(100 * hit), "rung": say(LAND_WORDS[rung], language)}
    lines.append(say("Model: {rung}. Tried on {n} declared fields and seasons of farms it did not know: told {answered} %, right of these {right} %", language, n=count, **shares))  # fmt: skip  # noqa: E501
    told = fields[fields["crop"].notna()]
    lines += ["", say("Without a declared crop: {n}; told {told}", language, n=len(fields), told=len(told))]
    for row in told.itertuples(index=False):
        lines.append(
            f"  {row.unit_id}: {_crop(row.crop, names, language)}, {number(100 * row.probability, 0, language)} %"
        )
    for row in areas.itertuples(index=False):
        if not row.area_ha > 0:
            continue
        se = f" ± {_ha(row.se_ha, language)}" if row.se_ha == row.se_ha else ""
        crop = _crop(row.crop, names, language)
        area = f"{_ha(row.area_ha, language)}{se} {say('ha', language)}"
        lines.append(f"  {names.get(row.district, row.district)}, {crop}: {area}")
    if len(doubted):
        lines += ["", say("Declared, but surely like another crop:", language)]
    for row in doubted.itertuples(index=False):
        said = {"said": _crop(row.observed, names, language), "like": _crop(row.told, names, language)}
        lines.append(f"  {row.unit_id}: " + say("declared {said}, looks like {like}", language, **said))
    return "\n".join(lines)


def _crop(code: str, names: Mapping[str, str], language: str) -> str:
    return names.get(code) or say(LAND_WORDS.get(code, code), language)


def _ha(area: float, language: str) -> str:
    return number(float(area), 0 if area >= 10 else 1, language)


def _sure(accuracy: tuple[float, float] | None, language: str) -> str:
    if accuracy is None:
        return say("How far the areas can be trusted is not known: nobody checked a sample (--sample writes one, --checked reads it).", language)  # fmt: skip  # noqa: E501
    share, error = (number(100 * value, 0, language) for value in accuracy)
    return say("Mapped as it is: {share} ± {error} % of the area", language, share=share, error=error)


def _ranked(parcels: pd.DataFrame, names: Mapping[str, str], language: str) -> list[str]:
    own = parcels[parcels["rank"].notna()].sort_values("rank")
    if own.empty:
        return [say("No parcel was left without work for three seasons and more.", language)]
    lines = [say("To return, the best first (weights and costs are assumptions of configs/land.toml):", language)]
    for row in own.to_dict("records"):
        least = bool(row["since_or_before"])
        parts = [
            f"{_ha(row['area_ha'], language)} {say('ha', language)}",
            say("since {season} or before" if least else "since {season}", language, season=int(row["idle_since"])),
            *([say(LAND_WORDS[row["cover"]], language)] if row["cover"] in LAND_WORDS else []),
            say(
                "{cost} RUB/ha or more" if least else "{cost} RUB/ha",
                language,
                cost=number(row["cost_rub_ha"], 0, language),
            ),
            *([say("too steep to plough", language)] if row["too_steep"] else []),
        ]
        if row["unknown"]:
            lacking = ", ".join(say(LAND_WORDS[name], language) for name in row["unknown"].split(", "))
            parts.append(say("not known: {what}", language, what=lacking))
        where = names.get(row["district"], row["district"] or "-")
        lines.append(f"  {int(row['rank'])}. {row['parcel_id']} ({where}): {', '.join(parts)}")
    return lines


def _added(added: tuple[float, float] | None, year: int | None, language: str) -> str:
    if added is None:
        return say("What it would add to the output is not told: make an outlook first (`agro outlook`), or give --prices and --base-value.", language)  # fmt: skip  # noqa: E501
    value, error = (number(one, 3, language) for one in added)
    if year is not None:
        return say("Each thousand hectares would add {value} ± {error} points to the indicator of {year}, at prices of {before} as the table of prices tells them", language, value=value, error=error, year=year, before=year - 1)  # fmt: skip  # noqa: E501
    return say("Each thousand hectares would add {value} ± {error} % of the base year's output", language, value=value, error=error)  # fmt: skip  # noqa: E501
