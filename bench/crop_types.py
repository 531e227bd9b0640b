"""Crop types of real fields with declared crops, told from other places; majority, plain rule and model side by side.

    python bench/crop_types.py DIR        DIR holds worldcereal/

Points of the French land parcel register in Corsica, 2022, and of surveys in Uganda and South Sudan, 2017, each with
monthly Sentinel-1 and -2. Squares of ground (10 km) or cells (about 60 km) are left out whole; choice of the rung,
calibration and silence are done inside, without them. Prints Markdown tables.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer

from flows.settings import CONFIGS, facts
from models.crop_types import OTHER, CropRules, fit, predict
from models.judge import ground_blocks, left_out

NOTHING = 65535
SQUARE_M = 10_000.0
# Codes of the WorldCereal legend (ewoc_code, github WorldCereal/worldcereal-classification), longest beginning first.
CORSICA = {
    "1201000010": "vineyard",
    "1203": "olive",
    "12": "orchard",
    "1115": "fallow",
    "2001": "meadow",
    "20": "rough pasture",
    "25": "rough pasture",
    "4": "rough pasture",
    "11": "field crops and sown grass",
    "15": "field crops and sown grass",
}
BROAD = {"permanent crops": ["vineyard", "olive", "orchard"], "grassland": ["meadow", "rough pasture"]}


def main() -> None:
    """Both countries, fine and broad classes, and one country asked by the model of the other."""
    folder = Path(sys.argv[1]) / "worldcereal" / "worldcereal_points"
    rules = CropRules(**facts(CONFIGS / "crop_types.toml")["rules"])
    corsica, africa = corsica_of(folder), africa_of(folder)
    broad = {name: group for group, names in BROAD.items() for name in names}
    sets = {
        "Corsica 2022, 7 classes": corsica,
        "Corsica 2022, 4 classes": corsica.assign(crop=corsica["crop"].map(lambda one: broad.get(one, one))),
        "Uganda and South Sudan 2017": africa,
    }
    lines, details = [_HEAD, "|" + "---|" * 11], []
    for name, table in sets.items():
        told = told_of_places(table, rules)
        lines.append(line(name, told))
        details.append(f"\n{name}: rows are what is declared, columns what is told.\n\n{confusion(told)}")
    print("\n".join(lines), *details, sep="\n")
    names = feature_names(corsica)
    model = fit(corsica, names, rules)
    print(f"\n{abroad(predict(model, africa), len(africa))}")


_HEAD = (
    "| fields | n | places | majority right | plain rule right | forest right | model | answered | right of answered | "
    "abstained: unsure / unlike / unseen | Brier of the told class |"
)


def told_of_places(table: pd.DataFrame, rules: CropRules) -> pd.DataFrame:
    """What is told of each field by a model that knows nothing of its place."""
    names, parts = feature_names(table), []
    for known, asked in left_out(table["fold"].to_numpy()):
        seen, ask = table[known].reset_index(drop=True), table[asked].reset_index(drop=True)
        model = fit(seen, names, rules)
        rare = set(ask["crop"]) - set(model.classes)
        told = predict(model, ask).assign(declared=ask["crop"].where(~ask["crop"].isin(rare), OTHER))
        parts.append(told.assign(rung=model.chosen, group=ask["group"], **rungs(seen, ask, names, rules)))
    return pd.concat(parts, ignore_index=True)


def rungs(seen: pd.DataFrame, ask: pd.DataFrame, names: list[str], rules: CropRules) -> dict[str, pd.Series]:
    """What each rung says by itself, answering always."""
    from models.crop_types import _FIT, _TELL, RUNGS, _learnable

    known = seen.assign(crop=_learnable(seen, rules))
    classes = tuple(sorted(known["crop"].unique()))
    return {
        rung: pd.Series(np.array(classes)[_TELL[rung](_FIT[rung](known, names, classes), ask, names).argmax(axis=1)])
        for rung in RUNGS
    }


def line(name: str, told: pd.DataFrame) -> str:
    """One line of figures."""
    answered = told["why"].isna()
    right = {rung: (told[rung] == told["declared"]).mean() for rung in ("majority", "nearest", "forest")}
    hit = told["crop"] == told["declared"]
    codes = told["why"].map(lambda why: why.code if why else "")
    silent = " / ".join(f"{(codes == code).mean():.0%}" for code in ("CROP-UNSURE", "CROP-UNLIKE", "CROP-UNSEEN"))
    brier = float(((told["likely"] == told["declared"]) - told["probability"]).pow(2).mean())
    chosen = ", ".join(f"{rung} {n}" for rung, n in told.drop_duplicates("group")["rung"].value_counts().items())
    return (
        f"| {name} | {len(told)} | {told['group'].nunique()} | {right['majority']:.0%} | {right['nearest']:.0%} | "
        f"{right['forest']:.0%} | {chosen} | {answered.mean():.0%} | {hit[answered].mean():.0%} | "
        f"{silent} | {brier:.3f} |"
    )


def confusion(told: pd.DataFrame) -> str:
    """Declared against told, with what was not told in a column of its own."""
    said = told["crop"].where(told["why"].isna(), "not told")
    counts = pd.crosstab(told["declared"], said)
    lines = ["| declared | " + " | ".join(counts.columns) + " |", "|" + "---|" * (len(counts.columns) + 1)]
    lines += [
        f"| {name} | " + " | ".join(map(str, row)) + " |"
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    return "\n".join(lines)


def abroad(told: pd.DataFrame, asked: int) -> str:
    """What the model of one country says of another that has none of its crops."""
    codes = told["why"].map(lambda why: why.code if why else "answered").value_counts()
    shares = ", ".join(f"{code} {n / asked:.0%}" for code, n in codes.items())
    return (
        f"The model of Corsica, asked of {asked} fields of Uganda and South Sudan, whose crops it never saw: {shares}."
    )


def corsica_of(folder: Path) -> pd.DataFrame:
    """The points of the French register: monthly features, classes, squares of ground."""
    rows = pd.read_parquet(folder / "2022_FRA_LPIS_POLY_110_monthly.geoparquet")
    bands = {name: rows[f"S2-L2A-{name}"] for name in ("B02", "B04", "B05", "B08", "B11")}
    made = features(bands, rows["S1-SIGMA0-VH"], rows["S1-SIGMA0-VV"])
    month = (rows["timestamp"].dt.year - 2021) * 12 + rows["timestamp"].dt.month - 10  # October 2021 is 0
    made = made.assign(unit_id=rows["sample_id"], month=month)[month.between(0, 11)]
    wide = made.set_index(["unit_id", "month"]).unstack()
    wide.columns = [f"{name}_{m:02d}" for name, m in wide.columns]
    of = rows.drop_duplicates("sample_id").set_index("sample_id").loc[wide.index]
    x, y = Transformer.from_crs(4326, 32632, always_xy=True).transform(of["lon"].to_numpy(), of["lat"].to_numpy())
    crop = [next(CORSICA[k] for k in CORSICA if str(code).startswith(k)) for code in of["ewoc_code"]]
    return table_of(wide, crop, ground_blocks(np.asarray(x), np.asarray(y), SQUARE_M), 2022)


def africa_of(folder: Path) -> pd.DataFrame:
    """The points of Uganda and South Sudan: the same features of twelve months, crops, hexagons of ground."""
    rows = pd.read_parquet(folder / "test_public_extractions.parquet")
    parts = []
    for month in range(12):
        bands = {
            name: rows[f"OPTICAL-{name}-ts{month}-{20 if name in ('B05', 'B11') else 10}m"]
            for name in ("B02", "B04", "B05", "B08", "B11")
        }
        made = features(bands, rows[f"SAR-VH-ts{month}-20m"], rows[f"SAR-VV-ts{month}-20m"])
        parts.append(made.add_suffix(f"_{month:02d}"))
    wide = pd.concat(parts, axis=1)[[f"{n}_{m:02d}" for n in made.columns for m in range(12)]]
    wide.index = rows["sample_id"]
    return table_of(wide, list(rows["sampling_label"]), rows["h3_l3_cell"].to_numpy(), 2017)


def features(bands: dict[str, pd.Series], vh: pd.Series, vv: pd.Series) -> pd.DataFrame:
    """Indices [1] and backscatter [dB] of one month's composite; counts as WorldCereal packs them."""
    b = {name: counts.where(counts != NOTHING).astype("float64") / 1e4 for name, counts in bands.items()}
    s = {
        name: counts.where((counts != NOTHING) & (counts > 0)).astype("float64")
        for name, counts in (("vh", vh), ("vv", vv))
    }
    return pd.DataFrame(
        {
            "ndvi": (b["B08"] - b["B04"]) / (b["B08"] + b["B04"]),
            "ndre": (b["B08"] - b["B05"]) / (b["B08"] + b["B05"]),
            "ndmi": (b["B08"] - b["B11"]) / (b["B08"] + b["B11"]),
            "bsi": (b["B11"] + b["B04"] - b["B08"] - b["B02"]) / (b["B11"] + b["B04"] + b["B08"] + b["B02"]),
            **{name: 20 * np.log10(counts) - 83 for name, counts in s.items()},
        }
    )


def table_of(wide: pd.DataFrame, crop: list[str], place: np.ndarray, season: int) -> pd.DataFrame:
    """The table that a model is fitted to, and the outer folds, whole places each."""
    from models.crop_types import _folds

    about = {"unit_id": wide.index, "season": season, "group": place.astype(str), "area_ha": 1.0, "crop": crop}
    return pd.DataFrame({**about, "fold": _folds(place.astype(str), 6)}).join(wide.reset_index(drop=True))


def feature_names(table: pd.DataFrame) -> list[str]:
    """The features of a table."""
    return [name for name in table.columns if name.rpartition("_")[2].isdigit()]


if __name__ == "__main__":
    main()
