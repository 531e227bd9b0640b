"""The agronomic numbers of one crop, out of the file of doses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agro.advice.balance import Errors, TrialRule
from agro.advice.caps import ClassRule
from agro.advice.lime import LimeRule
from agro.domain.errors import BadInput

LAYER_OF = {"n": "n_no3", "p2o5": "p2o5", "k2o": "k2o", "s": "s"}  # the soil layer that tells a nutrient's supply


@dataclass(frozen=True)
class Rules:
    """One crop's numbers. `facts` is the whole file: what is common to all crops is read from it when it is needed."""

    crop: str
    removal_kg_t: Mapping[str, float]
    group: str
    usual_t_ha: float
    highest_t_ha: float
    straw_t_t: float
    assumed: bool
    cap_kg_ha: Mapping[str, float]
    season_n_kg_ha: float
    facts: Mapping[str, Any]

    @property
    def errors(self) -> Errors:
        """How far the numbers of the balance may be off."""
        rows = self.facts["errors"]
        return Errors(rows["yield_cv"], rows["coefficients_cv"], self.facts["mineralised_n"]["se_kg_ha"])

    @property
    def lime(self) -> LimeRule:
        """The rule of lime."""
        row = self.facts["lime"]
        return LimeRule(row["factor"], row["needed_below_ph"], row["most_t_ha"])

    @property
    def trials(self) -> TrialRule | None:
        """The regression that cross-checks nitrogen, where there is one for the crop."""
        row = self.facts["cross_check"]
        names = ("intercept", "per_dt_ha", "per_nitrate_mg_kg", "from_t_ha", "to_t_ha")
        return TrialRule(*(row[name] for name in names)) if row["crop"] == self.crop else None

    def class_rule(self, nutrient: str) -> ClassRule | None:
        """The class rule of a nutrient; nitrogen has none."""
        row = self.facts["class_rule"]
        if nutrient == "s":
            return ClassRule(tuple(row["s_factor"]))
        if nutrient not in ("p2o5", "k2o"):
            return None
        replaced = tuple(row["replaced"]["classes"]) if row["replaced"]["group"] == self.group else ()
        starter = row["starter_p2o5_kg_ha"] if nutrient == "p2o5" and self.group in row["starter_groups"] else 0.0
        return ClassRule(tuple(row["factor"]), replaced, starter)

    def soil_use(self, nutrient: str, method: str) -> float:
        """The share [1] of the soil's stock that the crop takes up. Raises BadInput DOSE-METHOD."""
        use = self.facts["soil_use"][LAYER_OF[nutrient]]
        if not isinstance(use, Mapping):
            return float(use)
        if method not in use:
            raise BadInput(
                "DOSE-METHOD",
                "{nutrient}: no coefficient of use is known for the extraction {met}; known are {expected}",
                "add it to configs/doses.toml with its source, or order the analysis by a known method",
                nutrient=nutrient,
                met=method or "-",
                expected=", ".join(use),
            )
        return float(use[method])


def rules_for(crop: str, facts: Mapping[str, Any]) -> Rules:
    """The numbers of a crop.

    crop     its code [-]
    facts    the content of configs/doses.toml
    returns  Rules [kg/t, kg/ha, t/ha]
    raises   BadInput RX-CROP where nothing is known of the crop
    source   configs/doses.toml
    """
    row = facts["crops"].get(crop)
    if row is None:
        raise BadInput(
            "RX-CROP",
            "no removal of nutrients is known for the crop {met}; known are {expected}",
            "give another crop with --crop, or add it to configs/doses.toml with its source",
            met=crop,
            expected=", ".join(facts["crops"]),
        )
    removal = dict(row["removal"])
    removal["n"] *= row["charged_n_share"]
    caps = facts["caps"][row["group"]]
    return Rules(
        crop,
        removal,
        row["group"],
        row["usual_t_ha"],
        row["highest_t_ha"],
        row["straw_t_t"],
        row["status"] == "assumption",
        caps["sowing"],
        caps["season_n"],
        facts,
    )
