"""What a prescription's page says, from its draft: sentences in the reader's language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np

from agro.advice.doses import Dose
from agro.domain.errors import Refusal
from agro.domain.work import Product
from agro.reports.prescription_sheet import BalanceRow, PrescriptionSheet, ZoneRow
from agro.reports.prescription_words import sentence
from agro.reports.words import number, say
from flows.advice_office import Office
from flows.field_prescription import Draft
from flows.settings import crop_names
from flows.terminal_files import TerminalFile

_NAMES = {"n": "N", "p2o5": "P2O5", "k2o": "K2O", "s": "S", "caco3": "CaCO3"}


def sheet_of(
    office: Office, made: Draft, files: Mapping[str, TerminalFile], no_files: Sequence[Refusal]
) -> PrescriptionSheet:
    """The page of a draft; `files` are what was written for terminals, `no_files` why nothing was."""
    language, rx = office.settings.ui.language, made.prescription
    outlines = gpd.GeoSeries([zone.outline for zone in rx.zones], crs=4326).to_crs(office.land.crs)
    strips: tuple[tuple[Any, float], ...] = ()
    if made.trial is not None and not made.heard.certificate.vary:
        on_grid = made.trial.to_crs(office.land.crs)
        strips = tuple(zip(on_grid.geometry, on_grid["dose_kg_ha"], strict=True))
    return PrescriptionSheet(
        field_id=rx.field_id,
        crop=crop_title(rx.crop, language),
        season=rx.season,
        area_ha=sum(zone.area_ha for zone in rx.zones),
        planned_yield_t_ha=rx.planned_yield_t_ha,
        outline=office.land.on_grid.iloc[made.case.number],
        products=tuple(named(product, language) for product in rx.products),
        total_kg=rx.total_kg,
        cost=made.cost,
        currency=office.settings.advice.currency,
        zones=tuple(
            ZoneRow(zone.number, outline, zone.area_ha, zone.rate_kg_ha, _why(part.closed, language) or part.why)
            for zone, outline, part in zip(rx.zones, outlines, made.parts, strict=True)
        ),
        balance=tuple(_row(made, one, language) for one in made.doses.values()),
        headline=_headline(made, language, office.request.trial),
        sure=tuple(_sure(office, made, language)),
        assumed=tuple(dict.fromkeys(sentence(line, language) for line in made.told)),
        files=tuple(_files(files, no_files, language)),
        strips=strips,
        simulated=office.settings.imagery.source == "twin",
    )


def crop_title(code: str, language: str) -> str:
    """What a crop is called."""
    return crop_names(language).get(code, code)


def named(product: Product, language: str) -> str:
    """What a product is called."""
    return product.russian if language == "ru" else product.english


def _why(closed: frozenset[str], language: str) -> str:
    if "*" in closed:
        return say("protected: nothing is applied", language)
    return say("no nitrogen is left here: steep, or frozen", language) if closed else ""


def _headline(made: Draft, language: str, trial: bool) -> str:
    if made.case.looked_at:
        return say("Top dressing against a strip with plenty of nitrogen", language)
    if trial:
        return say("A trial is driven: strips of different doses, repeated", language)
    if made.prescription.why_uniform is not None:
        told = sentence(made.prescription.why_uniform, language)
        return told[:1].upper() + told[1:]
    if made.heard.certificate.vary:
        return say("The rate varies by zones: on left-out strips this surely paid", language)
    return say("The rate follows the measured soil", language)


def _row(made: Draft, one: Dose, language: str) -> BalanceRow:
    terms, known = one.terms, made.case.known[one.nutrient]
    return BalanceRow(
        _NAMES[one.nutrient],
        terms.removal_kg_t * terms.yield_t_ha,
        float(one.stock[0]) * known.soil.use,
        terms.organic_kg_ha,
        terms.mineralised_kg_ha,
        float(one.balance[0]) * terms.fertiliser_use,
        float(one.dose[0]),
        float(one.low[0]),
        float(one.high[0]),
        " ".join(_how(made, one, language)),
    )


def _how(made: Draft, one: Dose, language: str) -> list[str]:
    """How the balance became the dose."""
    known, said = made.case.known[one.nutrient], []
    facts: dict[str, Any] = {
        "content": number(
            float(np.mean(known.soil.content_mg_kg)), 0 if one.nutrient in ("p2o5", "k2o") else 1, language
        ),
        "use": number(100 * one.terms.fertiliser_use, 0, language),
        "asked": number(float(one.balance[0]), 0, language),
        "depth": number(known.soil.depth_cm, 0, language),
    }
    said.append(
        say("In the soil {content} mg/kg (0-{depth} cm); of fertiliser {use} % is used, so {asked}.", language, **facts)
    )
    if made.heard.best is not None and one.nutrient == "n":
        return [*said, say("The dose is that of the field's own strips.", language)]
    if np.isfinite(one.class_no[0]) and known.classes:
        name = known.classes[int(one.class_no[0]) - 1][0 if language == "ru" else 1]
        said.append(say("Supply is {name} (class {n}).", language, name=name, n=int(one.class_no[0])))
    if float(one.dose[0]) > float(one.balance[0]) * 1.001 or float(one.dose[0]) < float(one.balance[0]) * 0.999:
        said.append(say("By the class and the caps: {dose}.", language, dose=number(float(one.dose[0]), 0, language)))
    return said


def _sure(office: Office, made: Draft, language: str) -> list[str]:
    """The certificate, and the trial that would settle the question."""
    one, lines = made.heard.certificate, []
    currency = say(office.settings.advice.currency, language)
    if one.status == "not_checked":
        lines.append(say("Whether varying pays here: not verified.", language))
    elif np.isfinite(one.gain_ha):
        told = {
            n: number(v, 0, language) for n, v in (("gain", one.gain_ha), ("low", one.low_ha), ("high", one.high_ha))
        }
        by = say("seasons" if one.by == "season" else "repetitions", language)
        lines.append(
            say(
                "Varying by zones against the best single rate, on {by} that the doses were not fitted on, costs deducted: {gain} {currency}/ha (from {low} to {high}).",  # noqa: E501
                language,
                by=by,
                currency=currency,
                **told,
            )
        )
    if one.status == "proved" and one.by == "rep":
        lines.append(say("This is proved on strips of one season; seasons differ, so repeat the trial.", language))
    if one.why is not None:
        why = sentence(one.why, language)
        lines.append(why[:1].upper() + why[1:] + ".")
    lines.append(say("The interval of a dose carries the errors of soil, planned yield and coefficients.", language))
    if made.trial is not None and not one.vary:
        lines.append(_trial_line(made, language))
    elif made.no_trial is not None:
        why = sentence(made.no_trial, language)
        lines.append(why[:1].upper() + why[1:] + ".")
    return lines


def _trial_line(made: Draft, language: str) -> str:
    assert made.trial is not None  # noqa: S101  the caller has looked
    doses = sorted(set(made.trial["dose_kg_ha"]))
    return say(
        "A trial would settle it (trial.geojson): {reps} repetitions of N {doses} kg/ha on {area} ha; it shows zones whose best doses differ by {apart} kg/ha or more.",  # noqa: E501
        language,
        reps=int(made.trial["rep"].max()),
        doses=", ".join(number(dose, 0, language) for dose in doses),
        area=number(float(made.trial["area_ha"].sum()), 1, language),
        apart=number(made.tells_apart, 0, language),
    )


def _files(files: Mapping[str, TerminalFile], no_files: Sequence[Refusal], language: str) -> Iterator[str]:
    if not files and not no_files:
        yield say("No terminal was named: zones.geojson and doses.tif only.", language)
    for name, file in files.items():
        yield say("File {name}: {title}.", language, name=name, title=file.proof["title"])
        yield from (sentence(line, language) for line in file.told)
    if files:
        yield say(
            "Files of these forms pass the schema in our tests; these were read back by an independent reader and agree with the prescription. They were not tried on these very terminals.",  # noqa: E501
            language,
        )
    yield from (sentence(line, language) for line in no_files)
