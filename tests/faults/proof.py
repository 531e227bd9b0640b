"""The long layer: `python tests/faults/proof.py [PART ...]` writes its figures into docs/reliability.md.

What a part found is kept in build/faults.json, so that single parts can be made anew. Exit code 1: a promise is broken.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.parts import PARTS, ROOT, Row

KEPT, PAGE = ROOT / "build" / "faults.json", ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: made by `make faults` -->", "<!-- end of figures -->"


def page(text: str, found: dict[str, dict]) -> str:  # type: ignore[type-arg]
    """The page with the table between its marks made anew."""
    rows = [Row(**row) for part in PARTS if part in found for row in found[part]["rows"]]
    lines = ["| fault | what came of it | promise |", "|---|---|---|"]
    lines += [f"| {row.what} | {row.met} | {'held' if row.held else '**not held**'} |" for row in rows]
    days = sorted({found[part]["day"] for part in PARTS if part in found})
    took = sum(found[part]["seconds"] for part in PARTS if part in found)
    lines += [
        "",
        f"Measured {' and '.join(days)} on {os.cpu_count()} cores, {took / 60:.0f} minutes in all; simulated input.",
    ]
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}"


def main(wanted: list[str]) -> int:
    found = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    KEPT.parent.mkdir(exist_ok=True)
    for part in wanted or PARTS:
        folder, began = Path(tempfile.mkdtemp(prefix=f"faults-{part}-")), time.monotonic()
        os.environ["AGRO_HOME"] = str(folder / "home")
        try:
            rows = PARTS[part](folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        seconds = time.monotonic() - began
        for row in rows:
            print(f"{'held    ' if row.held else 'NOT HELD'} {row.what}: {row.met}", flush=True)
        print(f"         {part}: {seconds:.0f} s", flush=True)
        found[part] = {
            "rows": [asdict(row) for row in rows],
            "day": f"{datetime.now(UTC):%Y-%m-%d}",
            "seconds": seconds,
        }
        KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False))
        PAGE.write_text(page(PAGE.read_text(), found))
    return int(not all(row["held"] for part in wanted or PARTS for row in found[part]["rows"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
