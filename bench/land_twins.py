"""Idle land and crop types of simulated regions that nobody looked at while building, both worlds. SIMULATED.

    python bench/land_twins.py SEEDS [WORLDS]     each comma-separated

Land: eight seasons, 48 parcels a region whose use is known. Crops: every other farm of 80 fields declares them, the
crops and areas of the others are told and held against the truth. Prints Markdown tables.
"""

import sys

import numpy as np
import pandas as pd

from agro.region.areas import adjusted_areas
from agro.region.crops import crop_areas
from agro.region.fallow import (
    ParcelRules,
    SeasonRules,
    covered_in_spring,
    parcel_kinds,
    sample_points,
    season_uses,
)
from flows.land_looks import land_looks
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables
from models.crop_features import crop_features, feature_names
from models.crop_types import OTHER, CropRules, fit, merged, predict

LAST, DRAWS = 2022, 40
USES = {"idle_grass": "idle", "perennial_grass": "mown", "fallow": "bare"}


def main() -> None:
    """Every world and seed, then the pooled figures."""
    seeds = [int(one) for one in sys.argv[1].split(",")]
    worlds = sys.argv[2].split(",") if len(sys.argv) > 2 else ["first", "second"]
    for world in worlds:
        seasons, parcels, fields, areas = [], [], [], []
        for seed in seeds:
            own = land_of(seed, world)
            seasons.append(own[0])
            parcels.append(own[1])
            told = crops_of(seed, world)
            fields.append(told[0])
            areas.append(told[1])
            print(world, seed, file=sys.stderr, flush=True)
        print(f"### {world} world, {len(seeds)} regions\n")
        print(land_figures(pd.concat(seasons), pd.concat(parcels, ignore_index=True)))
        print(crop_figures(pd.concat(fields), pd.concat(areas)))


def land_of(seed: int, world: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Seasons and parcels as told and as they were."""
    made = simulated_tables(seed, range(LAST - 7, LAST + 1), 16, with_parcels=True, pixels=12, world=world)
    rules = facts(CONFIGS / "land.toml")
    season_rules, parcel_rules = SeasonRules(**rules["season"]), ParcelRules(**rules["parcel"])
    looks = land_looks(made.parcelstats, 0.3, no_falls=False).rename(columns={"field_id": "parcel_id"})
    looks = looks.merge(made.parcels[["parcel_id", "district"]], on="parcel_id")
    uses = season_uses(looks, season_rules, (parcel_rules.woody_from, parcel_rules.woody_to))
    kinds = parcel_kinds(uses, covered_in_spring(looks, season_rules), parcel_rules)
    work = made.truth.was.work
    woody = work[["field_id", "season", "woody"]]
    known = made.truth.fields.merge(woody, on=["field_id", "season"]).rename(columns={"field_id": "parcel_id"})
    known = known[known["use"] != "field"].rename(columns={"use": "truly", "idle_since": "truly_since"})
    columns = ["parcel_id", "season", "truly", "truly_since", "crop", "area_ha", "woody"]
    seasons = uses.merge(known[columns], on=["parcel_id", "season"])
    last = kinds.merge(known.loc[known["season"] == LAST, columns], on="parcel_id")
    short = (last["truly"] == "abandoned") & (LAST - last["truly_since"] + 1 < parcel_rules.idle_seasons)
    return seasons, last.assign(truly=last["truly"].mask(short, "resting"), seed=seed)


def land_figures(seasons: pd.DataFrame, parcels: pd.DataFrame) -> str:
    """Tables of seasons and parcels, and what abandoned land is told right."""
    was = seasons["crop"].map(USES).fillna("crop")
    said, true = parcels["kind"] == "abandoned", parcels["truly"] == "abandoned"
    both = parcels[said & true]
    seen_from = np.maximum(both["truly_since"], LAST - 7)
    near = (both["idle_since"] - seen_from).abs() <= 1
    wooded = (both["cover"] == "woody") == (both["woody"] >= 0.35)
    lines = [
        "Seasons of parcels: rows what was done, columns what is told.\n",
        table(pd.crosstab(was.rename("truly"), seasons["use"])),
        "\nParcels after eight seasons: rows what they are, columns what is told.\n",
        table(pd.crosstab(parcels["truly"], parcels["kind"])),
        f"\nAbandoned: {(said & true).sum()} of {true.sum()} found, {(said & ~true).sum()} false; by area "
        f"{share(parcels, said & true, true)} found, {share(parcels, said & ~true, said)} of what is told is false. "
        f"The year within one of the truth, or of the first season seen: {near.mean():.0%}. Grass or woody right: "
        f"{wooded.mean():.0%}.",
        f"\nArea of abandoned land with 90 % intervals from 50 checked places a class ({DRAWS} draws a region): "
        + sampled(parcels),
    ]
    return "\n".join(lines) + "\n"


def sampled(parcels: pd.DataFrame) -> str:
    """How often the interval from a checked sample holds the true area; and how far the map itself is off."""
    inside, off, wide, mapped_off = [], [], [], []
    for seed, own in parcels.groupby("seed"):
        mapped = own.groupby("kind")["area_ha"].sum().to_dict()
        truth = float(own.loc[own["truly"] == "abandoned", "area_ha"].sum())
        mapped_off.append(abs(mapped.get("abandoned", 0.0) - truth))
        for draw in range(DRAWS):
            places = sample_points(own, 50, 1000 * int(seed) + draw).merge(own[["parcel_id", "truly"]], on="parcel_id")
            units = pd.DataFrame(
                {"mapped": places["kind"], "observed": places["truly"], "weight": 1.0, "cluster": places["place"]}
            )
            row = adjusted_areas(units, mapped).set_index("class").loc["abandoned"]
            inside.append(row["low_90_ha"] - 1e-6 <= truth <= row["high_90_ha"] + 1e-6)
            off.append(abs(row["area_ha"] - truth))
            wide.append(row["se_ha"])
    return (
        f"hold {np.mean(inside):.0%}; mean error {np.mean(off):.1f} ha (standard error told {np.mean(wide):.1f} ha), "
        f"of the map alone {np.mean(mapped_off):.1f} ha."
    )


def crops_of(seed: int, world: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Undeclared fields of the last season and the areas of their crops, as told and as they were."""
    made = simulated_tables(seed, range(LAST - 3, LAST + 1), 80, pixels=12, world=world)
    rules = facts(CONFIGS / "crop_types.toml")
    looks = land_looks(made.fieldstats, rules["enough_clear"], no_falls=True)
    period = rules["first_day"], rules["last_day"]
    features = crop_features(looks, period, rules["step_days"], rules["longest_gap_days"])
    table = features.merge(made.truth.fields, on=["field_id", "season"]).rename(columns={"field_id": "unit_id"})
    table = table.assign(crop=merged(table["crop"], rules["classes"]), group=table["farm_id"])
    farms = np.random.default_rng(seed).permutation(sorted(table["group"].unique()))
    known = table["group"].isin(farms[::2])  # every other farm declares its crops
    declared, asked = table[known], table[~known & (table["season"] == LAST)].reset_index(drop=True)
    model = fit(declared.reset_index(drop=True), feature_names(features), CropRules(**rules["rules"]))
    told = predict(model, asked)
    true = asked["crop"].where(asked["crop"].isin(model.classes), OTHER)
    common = declared["crop"].value_counts().idxmax()
    fields = told.assign(declared=true, group=asked["group"], rung=model.chosen, majority=common)
    whole = asked[["area_ha"]].assign(district="all", crop=told["crop"])
    areas = crop_areas(whole, model.left_out).set_index("crop")
    truth = asked.groupby(true)["area_ha"].sum()
    areas = areas.join(truth.rename("true_ha"), how="outer").fillna(0.0)
    return fields, areas.drop(index="not told", errors="ignore").assign(seed=seed).reset_index(names="crop")


def crop_figures(fields: pd.DataFrame, areas: pd.DataFrame) -> str:
    """How many fields are told and right, and whether areas hold."""
    answered = fields["crop"].notna()
    right = fields["crop"] == fields["declared"]
    inside = areas["true_ha"].between(areas["low_90_ha"] - 1e-6, areas["high_90_ha"] + 1e-6)
    off, plain = (areas["area_ha"] - areas["true_ha"]).abs(), (areas["mapped_ha"] - areas["true_ha"]).abs()
    rungs = ", ".join(f"{rung} {n}" for rung, n in fields.groupby("rung").size().items())
    said = fields["crop"].where(answered, "not told")
    commonest = (fields["majority"] == fields["declared"]).mean()
    likely = (fields["likely"] == fields["declared"]).mean()
    lines = [
        "Crops of the farms that declared none: rows what grew, columns what is told.\n",
        table(pd.crosstab(fields["declared"], said)),
        f"\n{len(fields)} fields: told {answered.mean():.0%}, right of these {right[answered].mean():.0%}; the "
        f"likeliest class, told always, right {likely:.0%}; the commonest crop {commonest:.0%}. Fields by rung: "
        f"{rungs}. Areas by crop: mean error {off.mean():.0f} ha, as mapped {plain.mean():.0f} ha; 90 % intervals hold "
        f"{inside.mean():.0%} of {len(areas)}.",
    ]
    return "\n".join(lines) + "\n"


def share(parcels: pd.DataFrame, part: pd.Series, whole: pd.Series) -> str:
    """One area as a share of another."""
    return f"{parcels.loc[part, 'area_ha'].sum() / max(parcels.loc[whole, 'area_ha'].sum(), 1e-9):.0%}"


def table(counts: pd.DataFrame) -> str:
    """Counts as Markdown."""
    lines = [
        f"| {counts.index.name} | " + " | ".join(map(str, counts.columns)) + " |",
        "|" + "---|" * (len(counts.columns) + 1),
    ]
    lines += [
        f"| {name} | " + " | ".join(map(str, row)) + " |"
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
