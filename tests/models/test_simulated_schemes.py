"""What the file of schemes says of the second simulated world is what comes out there, on the seeds that it names."""

from pathlib import Path

import pytest

from flows.settings import CONFIGS, facts

ROOT = Path(__file__).parents[2]
SCHEMES = facts(CONFIGS / "schemes.toml")


def test_the_second_world_gives_what_the_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import vary_or_not
    from vary_fields import plain_fields

    seeds, fields = SCHEMES["simulated_seeds"], SCHEMES["simulated_fields"]
    cases = [case for seed in seeds for case in plain_fields(fields // len(seeds), seed, vary_or_not.ROUBLES)]
    assert len(cases) >= 200
    for row in SCHEMES["shared"]["simulated"]:
        found = vary_or_not.judged(cases, row["seasons"])
        assert found["earned_rub_ha"] == pytest.approx(row["earned"]["a second simulated world"], abs=0.05)
        assert found["false_vary"] <= 0.10


def test_every_scheme_that_did_not_lose_in_public_was_tried_on_simulated_fields() -> None:
    for name, row in SCHEMES.items():
        if isinstance(row, dict) and min(row["earned"].values()) >= 0:
            assert row["simulated"] and min(one["seasons"] for one in row["simulated"]) >= 2, name
