"""What several tests on real data share."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def bench(real: Path) -> ModuleType:
    """The bench of yield monitors that `make validation` runs."""
    path = Path(__file__).parents[2] / "bench" / "yield_monitors.py"
    spec = importlib.util.spec_from_file_location("yield_monitors", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["yield_monitors"] = module
    spec.loader.exec_module(module)
    return module
