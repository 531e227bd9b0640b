"""The house as drawn: imports go down, files are short, a command is light to start, no machine stands in the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [p for folder in ("agro", "flows", "models") for p in (ROOT / folder).rglob("*.py")]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()


def test_the_contracts_of_the_house_hold() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    ran = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "0 broken" in ran.stdout


def test_no_file_is_too_long() -> None:
    assert [str(p.relative_to(ROOT)) for p in SOURCES if len(p.read_text().splitlines()) > 400] == []


@pytest.mark.skipif(not TRACKED, reason="no git here: the list of tracked files is unknown")
def test_no_address_and_no_machine_in_what_is_tracked() -> None:
    for name in TRACKED:
        path = ROOT / name
        if not path.is_file() or path.suffix in (".png",):
            continue
        text = path.read_text(errors="ignore")
        assert not re.search(r"(?<![\w.~])/(?:work|root|home)/\w", text), name
        if path.suffix == ".lock" or path.name == "Makefile" or name.startswith(".ci/"):
            assert not re.search(r"https?://", text), name


@pytest.mark.skipif(not TRACKED, reason="no git here: what is ignored is unknown")
def test_no_source_is_ignored_by_git() -> None:
    names = [str(p.relative_to(ROOT)) for p in SOURCES]
    ran = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == []


def test_help_needs_nothing_heavy() -> None:
    code = "import sys; import agro.cli; heavy = {'numpy', 'pandas', 'prefect', 'rasterio', 'xarray', 'dask'} & set(sys.modules); sys.exit(bool(heavy) and str(heavy))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_deciding_that_nothing_is_new_needs_no_prefect() -> None:
    code = "import sys; import flows.wrap_up; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
