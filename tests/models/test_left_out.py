"""The gain of varying, measured where the doses were not fitted: none among equal zones, a large one is found."""

import numpy as np
import pandas as pd
import pytest

from agro.advice.decision import Demand, Scheme, admit, decide, not_checked, surely_differ
from agro.domain.errors import BadInput
from models.left_out import Money, left_out_gain, worth

MONEY = Money(14_000.0, 58.0, 0.15, 0.10, 15.0)
DOSES = np.array([0.0, 30.0, 60.0, 90.0, 120.0])
CURVE = -1e-4  # t/ha per (kg/ha)^2: a dose that is 30 kg/ha off costs 1,260 RUB/ha


def trial(best: dict[str, float], seed: int, reps: int = 4, noise: float = 0.15, season: int = 2026) -> pd.DataFrame:
    """Zones with their best doses [kg/ha] at the prices of MONEY; strips cross all zones."""
    random = np.random.default_rng(seed)
    ratio = MONEY.nutrient_price_kg / MONEY.yield_price_t
    rows = []
    for rep in range(reps):
        for strip, dose in enumerate(random.permutation(DOSES)):
            shift = random.normal(0, noise)
            for zone, top in best.items():
                answer = (ratio - 2 * CURVE * top) * dose + CURVE * dose**2
                rows.append((season, rep, strip, zone, dose, 2.0 + answer + shift + random.normal(0, noise)))
    return pd.DataFrame(rows, columns=["season", "rep", "strip", "zone", "dose_kg_ha", "yield_t_ha"])


def certified(best: dict[str, float], seed: int, cost: float = 150.0, **more) -> bool:
    said = left_out_gain(trial(best, seed, **more), MONEY, draws=150)
    return decide(said.draws, said.gain, said.deduction, said.by, Demand(cost, 0.9, "RUB")).vary


def test_without_noise_the_gain_is_what_the_doses_are_worth_by_hand() -> None:
    """Zones of best doses 30 and 90, one dose is 60: each loses 1e-4 x 30^2 = 0.09 t/ha, 1,260 RUB/ha."""
    money = Money(14_000.0, 58.0)
    said = left_out_gain(trial({"a": 30.0, "b": 90.0}, 1, noise=0.0), money)
    assert said.zone_kg_ha == pytest.approx({"a": 30.0, "b": 90.0}, abs=0.01)
    assert said.uniform_kg_ha == pytest.approx(60.0, abs=0.01)
    assert said.gain == pytest.approx(1260.0, abs=0.5) and said.by == "rep" and said.deduction == 0.0
    assert worth(trial({"a": 30.0, "b": 90.0}, 2, noise=0.0), {"a": 30.0, "b": 90.0}, 60.0, money) == pytest.approx(
        1260.0
    )


def test_equal_zones_are_certified_in_few_of_many_trials() -> None:
    equal = {"a": 60.0, "b": 60.0, "c": 60.0, "d": 60.0}
    assert sum(certified(equal, seed, cost=20.0) for seed in range(60)) <= 3
    left_out = [left_out_gain(trial(equal, seed), Money(14_000.0, 58.0), "each_zone", draws=1) for seed in range(20)]
    assert sum(said.gain < 0 for said in left_out) >= 17  # left out, chance differences lose


def test_zones_that_differ_much_are_found() -> None:
    apart = {"a": 15.0, "b": 60.0, "c": 105.0}
    assert sum(certified(apart, seed, noise=0.1) for seed in range(20)) >= 17


def test_a_single_season_pays_for_its_own_chance_and_two_are_tested_on_each_other() -> None:
    one = left_out_gain(trial({"a": 30.0, "b": 90.0}, 1), MONEY)
    assert one.deduction > 0 and one.by == "rep"
    both = pd.concat([trial({"a": 30.0, "b": 90.0}, 1), trial({"a": 90.0, "b": 30.0}, 2, season=2027)])
    said = left_out_gain(both, MONEY)
    assert said.by == "season" and set(said.folds) == {"2026", "2027"} and said.deduction == 0
    assert said.gain < 0  # what paid in one season lost in the other
    assert not decide(said.draws, said.gain, 0.0, said.by, Demand(0.0, 0.9, "RUB")).vary


def test_dear_prices_and_zones_that_are_missed_widen_the_interval() -> None:
    rows = trial({"a": 30.0, "b": 90.0}, 1)
    sure, unsure = (left_out_gain(rows, Money(14_000.0, 58.0, cv, error, 0.0)) for cv, error in ((0, 0), (0.3, 0.2)))
    assert np.std(unsure.draws / unsure.draws.mean()) > np.std(sure.draws / sure.draws.mean())
    assert unsure.draws.mean() < sure.draws.mean() == pytest.approx(sure.gain)  # what strays earns nothing


def test_the_same_trial_gives_the_same_answer() -> None:
    one, other = (left_out_gain(trial({"a": 30.0, "b": 90.0}, 1), MONEY) for _ in range(2))
    assert np.array_equal(one.draws, other.draws)


def test_nothing_can_be_left_out_of_one_repetition_and_one_zone_has_nothing_to_vary() -> None:
    with pytest.raises(BadInput, match="TRIAL-FOLDS"):
        left_out_gain(trial({"a": 30.0, "b": 90.0}, 1, reps=1), MONEY)
    with pytest.raises(BadInput, match="TRIAL-ZONES"):
        left_out_gain(trial({"a": 30.0}, 1), MONEY)


def test_a_certificate_says_what_was_measured_and_why_not() -> None:
    draws = np.linspace(0, 1000, 1001)
    assert decide(draws, 500.0, 0.0, "rep", Demand(50.0, 0.9, "USD")).vary  # the lower tenth is 50 above the cost
    told = decide(draws, 500.0, 60.0, "rep", Demand(50.0, 0.9, "USD"))
    assert not told.vary and told.low_ha == pytest.approx(-10.0) and told.gain_ha == pytest.approx(390.0)
    assert told.why is not None and told.why.code == "RX-GAIN" and "USD" in str(told.why)
    unknown = not_checked(told.why)
    assert unknown.status == "not_checked" and np.isnan(unknown.gain_ha) and not unknown.vary


def test_a_scheme_that_lost_on_a_public_trial_may_not_prescribe() -> None:
    admit(scheme({"repetitions": 0.0, "season": 1.2}), 2)
    with pytest.raises(BadInput, match=r"SCHEME-LOSES.*2.41 USD"):
        admit(scheme({"repetitions": -2.41, "season": 5.0}), 2)


def scheme(earned: dict[str, float]) -> Scheme:
    return Scheme("one", earned, "there", "USD", {1: {"a world": 3.0, "another": -0.5}, 2: {"a world": 3.0}})


def test_strips_of_as_few_seasons_as_lost_on_simulated_fields_may_not_prescribe() -> None:
    for seasons in (2, 3):
        admit(scheme({"season": 1.2}), seasons)
    with pytest.raises(BadInput, match=r"SCHEME-SEASONS.*another"):
        admit(scheme({"season": 1.2}), 1)
    with pytest.raises(BadInput, match=r"SCHEME-SEASONS"):  # nobody tried it
        admit(Scheme("one", {"season": 1.2}, "there", "USD", {3: {"a world": 3.0}}), 2)


def test_zones_differ_surely_only_beyond_their_own_error() -> None:
    random = np.random.default_rng(0)
    draws = np.array([40.0, 50.0]) + random.normal(0, [[2.0, 2.0]], (2000, 2))
    assert surely_differ(draws, 5.0, 0.9) and not surely_differ(draws, 9.0, 0.9)
    assert not surely_differ(np.array([40.0, 50.0]) + random.normal(0, [[9.0, 9.0]], (2000, 2)), 5.0, 0.9)
