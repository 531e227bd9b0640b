"""The end of a run: what was found, published and refused, for a person and for a machine."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agro.domain.errors import Refusal
from agro.reports.words import number, reason, remedy, say

KIND_NAMES = {
    "outlines": "outlines",
    "season_fields": "what grew where",
    "passes": "satellite passes",
    "fieldstats": "field tables of passes",
    "composites": "medians of periods",
    "alerts": "what falls behind",
    "messages": "letters to farms",
    "patterns": "patterns of past seasons",
    "relief": "relief",
    "bare_soil": "colour of bare soil",
    "soil": "soil and nutrients",
    "moisture_counts": "clear pixels counted for wetness edges",
    "moisture_edges": "wetness edges",
    "moisture": "wetness from above",
    "land": "land to return",
    "crop_types": "crop types",
    "parcelstats": "looks at parcels",
    "moisture_anchors": "measurements beside wetness",
    "field_moisture": "moisture in per cent of field capacity",
    "radar": "radar passes",
    "radar_edges": "driest and wettest radar looks",
    "radar_wetness": "wetness by radar",
    "water": "water balance",
    "seasons": "season curves",
    "zones": "productivity zones",
    "prescriptions": "prescriptions",
    "sufficiency": "sufficiency of nitrogen",
    "as_applied": "what was applied",
    "harvest": "harvest of fields",
    "statistics": "statistics of districts",
    "harvest_summaries": "the harvest as it comes",
    "weather": "weather of services",
    "yield_maps": "yield maps",
    "models": "fitted models",
    "forecasts": "yield forecasts",
    "scores": "scores of forecasts",
    "outlook": "outlooks of agricultural output",
    "outlook_scores": "scores of outlooks",
    "boards": "boards of districts",
}
MOST_SHOWN = 20  # refusals told one by one; the rest is counted


@dataclass(frozen=True)
class Summary:
    """What came of a run. `clear_fraction` [1] is the mean over the new passes, weighted by field area."""

    acquisitions_found: int
    published: int
    already_published: int
    failed: tuple[Refusal, ...]
    fields: int
    layers: tuple[str, ...]
    seconds: float
    store: str
    clear_fraction: float | None = None
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    left_out_why: dict[str, Refusal] = field(default_factory=dict)
    simulated: bool = False

    def as_json(self) -> dict[str, Any]:
        """The summary as plain JSON values [-].

        returns  acquisitions_found, published, already_published, failed, fields, layers [-], seconds [s], store, ...
        source   ours
        """
        return {
            "acquisitions_found": self.acquisitions_found,
            "published": self.published,
            "already_published": self.already_published,
            "failed": [refusal.as_json() for refusal in self.failed],
            "fields": self.fields,
            "layers": list(self.layers),
            "layers_left_out": {layer: dict(reasons) for layer, reasons in self.left_out.items()},
            "clear_fraction": None if self.clear_fraction is None else round(self.clear_fraction, 4),
            "simulated": self.simulated,
            "seconds": round(self.seconds, 2),
            "store": self.store,
        }


def as_text(summary: Summary, language: str) -> str:
    """The summary for a person.

    summary   what came of the run
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    s = summary
    lines = []
    if s.simulated:
        lines.append(say("SIMULATED DATA: the imagery is made by the program, not by a satellite", language))
    lines += [
        say("Satellite passes found: {n}", language, n=s.acquisitions_found),
        say("  published now: {n}", language, n=s.published),
        say("  published before: {n}", language, n=s.already_published),
        say("  failed: {n}", language, n=len({r.acquisition_id for r in s.failed if r.acquisition_id})),
        say("Fields: {n}", language, n=s.fields),
    ]
    if s.layers:
        lines.append(say("Layers: {names}", language, names=", ".join(s.layers)))
    for layer, reasons in s.left_out.items():
        why = s.left_out_why[layer]
        lines.append(
            say("  {layer} left out of {n} passes: {why}", language, layer=layer, n=sum(reasons.values()), why=why)
        )
    if s.clear_fraction is not None:
        lines.append(
            say(
                "Clear share of the fields, new passes: {share} %",
                language,
                share=number(100 * s.clear_fraction, 0, language),
            )
        )
    for refusal in s.failed[:MOST_SHOWN]:
        name = " / ".join(filter(None, (refusal.acquisition_id, refusal.field_id)))
        lines.append(f"✗ {name + ': ' if name else ''}{reason(refusal, language)} [{refusal.code}]")
        lines.append(f"    → {remedy(refusal, language)}")
    if len(s.failed) > MOST_SHOWN:
        lines.append(say("... and {n} more; --json lists all", language, n=len(s.failed) - MOST_SHOWN))
    lines.append(say("Time: {n} s", language, n=number(s.seconds, 1, language)))
    lines.append(say("Results: {where}", language, where=s.store))
    return "\n".join(lines)


def kinds_as_text(made: dict[str, int], waiting: Sequence[Refusal], language: str) -> str:
    """How many results of each kind, and what has to wait, for a person.

    made      number of results by kind [1]
    waiting   what time alone mends [-]
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    lines = [f"{say(KIND_NAMES[kind], language)}: {count}" for kind, count in made.items()]
    lines = lines or [say("Nothing new to make", language)]
    if waiting:
        lines.append(say("Waiting for seasons or looks to come:", language))
        lines += [f"  {reason(one, language)}" for one in waiting]
    return "\n".join(lines)


def inventory_as_text(rows: list[dict[str, Any]], language: str) -> str:
    """What there is in a store, for a person.

    rows      kind, results [1], first, last, assets of each kind
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    lines = []
    for row in rows:
        period = row["first"] if row["first"] == row["last"] else f"{row['first']} – {row['last']}"
        lines.append(f"{say(KIND_NAMES[row['kind']], language)}: {row['results']} ({period})")
        lines.append(f"    {', '.join(row['assets'])}")
    return "\n".join(lines)
