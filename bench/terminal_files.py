"""Files for terminals over many fields of odd shapes, and whether every mistake planted into them is caught.

python bench/terminal_files.py [FIELDS] [FIRST_SEED]
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from agro.domain.errors import AgroError, NotProved
from agro.domain.work import Machine, Prescription
from agro.store.isoxml import Labels, to_taskdata
from agro.store.terminal import prove
from flows.terminal_files import terminal_file
from flows.terminal_list import terminal_named

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from prescriptions import KCL, UAN, UREA, odd_field, raster_field
from task_files import changed, isoxml, read_back, root, schema_4

FORMS = ("topcon", "amazone", "isoxml4-polygons", "john-deere", "geojson", "geopackage")
ANY_RATE = Machine(24.0, 0.0, 600.0, 5.0, "any")


def main(fields: int, first: int) -> None:
    """Write every form of every field, and every mistake into its grid; print what came of it."""
    schema, told, caught = schema_4(), Counter[str](), Counter[str]()
    file_off, driven_off, ground = [], [], []
    for seed in range(first, first + fields):
        made = (odd_field, raster_field)[seed % 2](seed, (UREA, UAN, KCL)[: 1 + seed % 3])
        ground.append(sum(zone.area_ha for zone in made.zones))
        for code in FORMS:
            try:
                file = terminal_file(made, ANY_RATE, terminal_named(code), "ru")
            except AgroError as error:
                told[f"{code}: {error.refusal.code}"] += 1
                continue
            told[f"{code}: proved"] += 1
            for one in file.proof["products"]:
                if one["ordered_kg"] > 0:
                    file_off.append(abs(one["file_kg"] / one["ordered_kg"] - 1))
                    driven_off.append(abs(one["driven_kg"] / one["ordered_kg"] - 1))
            if code == "amazone":
                told["amazone: valid against the schema 4.3"] += schema.validate(root(file.content))
        for name, verdict in mistakes(made):
            caught[f"{name}: {verdict}"] += 1
    print(f"{fields} fields of {min(ground):.1f} to {max(ground):.0f} ha, every other one cut from pixels")
    for line, count in sorted(told.items()):
        print(f"  {line}: {count}")
    print(f"kilograms in the file, off by at most {100 * max(file_off):.4f} %; driven {100 * max(driven_off):.4f} %")
    print("mistakes planted into the grid of ISOXML 4.3:")
    for line, count in sorted(caught.items()):
        print(f"  {line}: {count}")


def mistakes(made: Prescription) -> list[tuple[str, str]]:
    """The name of each mistake, and whether the proof caught it; one that changes nothing is no mistake."""
    content = to_taskdata(made, isoxml(), Labels())[0]
    shape = read_back(content)[0].cells.rates.shape

    def cells(change: Callable[[np.ndarray], np.ndarray]) -> bytes:
        return changed(
            content, grid=lambda raw: change(np.frombuffer(raw, "<i4").reshape(shape)).astype("<i4").tobytes()
        )

    def moved(axis: str, size: str, by: float) -> bytes:
        def go(tree: Any) -> None:
            grid = tree.find("TSK/GRD")
            grid.set(axis, f"{float(grid.get(axis)) + by * float(grid.get(size)):.9f}")

        return changed(content, go)

    biggest = max(made.zones, key=lambda zone: zone.area_ha * sum(zone.rate_kg_ha)).rate_kg_ha[0]
    planted = {
        "rows from the north": cells(lambda raw: raw[::-1]),
        "columns from the east": cells(lambda raw: raw[:, ::-1]),
        "half a cell north": moved("A", "C", 0.5),
        "half a cell south": moved("A", "C", -0.5),
        "half a cell east": moved("B", "D", 0.5),
        "half a cell west": moved("B", "D", -0.5),
        "ten times the rate": cells(lambda raw: raw * 10),
        "a zone left out": cells(lambda raw: np.where(raw[..., :1] == round(biggest * 100), 0, raw)),
        "another quantity": changed(content, lambda tree: [v.set("A", "000B") for v in tree.iter("PDV")]),
    }
    return [(name, _verdict(made, one)) for name, one in planted.items() if one != content]


def _verdict(made: Prescription, content: bytes) -> str:
    try:
        prove(made, read_back(content), 24.0, framed=True)
    except NotProved:
        return "caught"
    return "NOT CAUGHT"


if __name__ == "__main__":
    main(*(int(argument) for argument in (*sys.argv[1:], *("100", "1000")[len(sys.argv) - 1 :])))
