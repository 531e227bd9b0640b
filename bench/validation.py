"""Make docs/validation.md: what, against whom, figure. All is measured anew, in one to two hours.

    AGRO_REAL_DATA=DIR python bench/validation.py

Real data are read from the folder that AGRO_REAL_DATA names; what comes from simulated regions says so.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ("701", "702", "703", "704")  # of regions that nobody looked at while building
PAGE = ROOT / "docs" / "validation.md"


def main() -> None:
    """Run every check and write the page, whole or not at all."""
    real = os.environ.get("AGRO_REAL_DATA")
    if not real:
        sys.exit("AGRO_REAL_DATA names no folder of real data")
    parts = [
        f"# What was measured\n\nMade by `make validation` on {datetime.now(UTC):%Y-%m-%d}, "
        "on real data where not said otherwise.",
        "## Known answers and published figures\n\n" + figures(),
        "## Season curves: dates held out\n\nEach cell: RMSE / median of the absolute error / bias / coverage of the "
        "90 % interval, by the length of the gap. `chosen` has its stiffness and noise from the other half.\n\n"
        + tables(script("season_gaps.py", real, "300")),
        "## Soil: the chosen method against each fixed one\n\n31 data sets (LimeSoDa), the package's folds outside, "
        "the choice on the training part only. The pull of the weights was settled on these sets.\n\n"
        + tables(script("soil_methods.py")),
        "## Zones: variance of a left-out season, and of left-out ground\n\n" + tables(script("zones_real.py")),
        "## Yield monitors: documented figures, strips, errors\n\n" + tables(script("yield_monitors.py")),
        "## To vary a dose, or not\n\nThe public trial of Las Rosas first, in USD/ha; then SIMULATED fields whose true "
        "response is known, on seeds not seen while building. False 'vary': fields varied among those where that truly "
        "does not pay. Captured: the true gain of what was varied, over the gain of somebody who knows each zone's "
        "response, both after the cost of varying. What a scheme earned with strips of so many seasons decides whether "
        "it may vary by them.\n\n" + tables(script("vary_or_not.py")),
        "## Yields foreseen: counties and regions, each season told from the others\n\n"
        + tables(script("yield_regions.py", real)),
        "## Yields foreseen (SIMULATED)\n\n20 seeds not seen while building, 12 seasons each, spring wheat, both "
        "simulated worlds. The oracle knows the true state of every pixel on the day, but not the weather to come.\n\n"
        + tables(script("yield_twins.py", ",".join(map(str, range(921, 941))), "07-15,08-15")),
        "## Crop types of real fields, by places left out\n\n500 fields each with declared or surveyed crops and "
        "monthly Sentinel-1 and -2 (WorldCereal, French LPIS). Choice, calibration and silence know nothing of the "
        "place. The plain rule is the class whose mean season is nearest.\n\n" + tables(script("crop_types.py", real)),
        "## Idle land and undeclared crops (SIMULATED)\n\nSix regions of each world, seeds not seen while building; "
        "the truth is the simulator's.\n\n" + tables(script("land_twins.py", "901,902,903,904,905,906")),
        "## One error budget, from the sky to the indicator (SIMULATED)\n\nSpring wheat of regions of both worlds, "
        "seeds not seen while building, each season told from the others. Each column is a step's share of the mean "
        "squared error; shares add up, and a step that offsets others has less than none. `yield`: what the model "
        "cannot know of a season seen whole through a clear sky; `records`: harvests as they are recorded; `to come`: "
        "the rest of the season; `mask`: cloud and sensor; `fields`: fields on no record; `area`: areas as offices "
        "print them; `other`: livestock, told as the year before, wheat being a fifth of the output (an illustration)."
        "\n\n"
        + "\n\n".join(
            tables(script("error_budget.py", ",".join(map(str, seeds)), "07-15", world))
            for world, seeds in (("first", [1101, *range(1103, 1112)]), ("second", [1102, *range(1104, 1111)]))
        ),
        "## Damage found after a pass (SIMULATED)\n\n" + alerts(),
    ]
    filling = PAGE.with_suffix(".filling")
    filling.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    filling.replace(PAGE)


def script(name: str, *arguments: str) -> str:
    """What a script of this folder says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "bench" / name), *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    print(f"{name}: done", file=sys.stderr, flush=True)
    return done.stdout


def tables(said: str) -> str:
    """The readable part of what a script said: all but its JSON."""
    return "\n".join(line for line in said.splitlines() if not line.startswith(("{", "["))).strip()


def figures() -> str:
    """The figures that the tests on real data tell."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "tests/real/test_soil_water.py",
        "tests/real/test_wetness.py",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [
        line.lstrip(".").split("|")[1:] for line in done.stdout.splitlines() if line.lstrip(".").startswith("FIGURE|")
    ]
    lines = ["| what | against | theirs | ours |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def alerts() -> str:
    """Detection, delay and false alarms on unseen seeds of both simulated worlds, next to a plain z-score."""
    return "\n\n".join(alerts_of(*one) for one in (("first", SEEDS), ("second", SEEDS[:2])))


def alerts_of(world: str, seeds: Sequence[str]) -> str:
    """The same of one world."""
    said = json.loads(script("alerts.py", "--world", world, *seeds))
    rows = said["rows"]
    events = next(iter(rows.values()))["events"]
    lines = [
        f"{len(seeds)} simulated regions of the {world} world (seeds {', '.join(seeds)}, not seen while building; "
        f"{said['area_ha']:.0f} ha times seasons), {events} planted events of at least 1 ha (hail, disease, missed "
        "strips). `ours 1.0` is as configured; the factor multiplies how deep a part must lie; of `z`, how many "
        "deviations below the field's mean in the same looks.\n",
        "| way | events found | median delay, d | nine of ten within, d | false alarms for 1,000 ha and month |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['found']:.0%} | {row['delay_d']:.0f} | {row['late_d']:.0f} | {row['false']:.1f} |"
        )
    lines += ["", *(at_80_percent(way, one) for way, one in said["at_80_percent"].items())]
    kinds = ", ".join(f"{kind} {found:.0%} of {n}" for kind, (n, found) in rows["ours 1.0"]["by_kind"].items())
    each = ", ".join(f"{seed}: {row['found']:.0%} and {row['false']:.1f}" for seed, row in said["by_seed"].items())
    return "\n".join([*lines, "", f"As configured: {kinds}; by region (found, false alarms): {each}."])


def at_80_percent(way: str, met: dict[str, float] | None) -> str:
    """What a way costs where it finds 80 % of the events."""
    if met is None:
        return f"- `{way}` finds 80 % of the events at no level of its curve."
    return (
        f"- `{way}`, at least 80 % of the events found, fewest false alarms along its curve: {met['false']:.2f} for "
        f"1,000 ha and month, with {met['found']:.0%} found and a median delay of {met['delay_d']:.0f} d."
    )


if __name__ == "__main__":
    main()
