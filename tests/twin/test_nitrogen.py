import numpy as np
import pytest

from agro.twin.estate import estate
from agro.twin.optimum import RATES_KG_HA, best_rate, response, worth_of_varying
from agro.twin.past import Past, past
from agro.twin.trial import as_weighed, laid_out
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables

RULES = facts(CONFIGS / "twin.toml")
WHEAT_RUB_T, N_RUB_KG = 12_000.0, 60.0


@pytest.fixture(scope="module")
def was() -> Past:
    return past(RULES, 105, estate(RULES, 105, 24, 20, 1.0), range(2016, 2022))


@pytest.fixture(scope="module")
def answer(was: Past) -> np.ndarray:
    return response(was)


def test_yield_answers_to_nitrogen_and_less_and_less(was: Past, answer: np.ndarray) -> None:
    cereal = was.work["crop"].isin(["spring_wheat", "barley", "oats"]).to_numpy()
    mean = answer[:, cereal].mean(axis=(1, 2))
    slopes = np.diff(mean) / np.diff(RATES_KG_HA)
    assert 0.005 < slopes[0] < 0.025  # [t/kg] of the first 20 kg
    assert (np.diff(slopes[:6]) < 0).all()
    pea = (was.work["crop"] == "pea").to_numpy()
    assert abs(np.diff(answer[:, pea].mean(axis=(1, 2)))).max() < 0.05  # takes its nitrogen from the air


def test_the_optimum_differs_by_what_grew_before_by_place_and_by_season(was: Past, answer: np.ndarray) -> None:
    wheat = (was.work["crop"] == "spring_wheat").to_numpy()
    after_fallow = wheat & (was.work["previous_crop"] == "fallow").to_numpy()
    rate, gain = best_rate(answer.mean(axis=2), RATES_KG_HA, WHEAT_RUB_T, N_RUB_KG)
    assert rate[after_fallow].mean() < rate[wheat & ~after_fallow].mean() - 10
    assert rate[wheat].std() > 10 and (gain >= -1e-6).all()
    assert 15 < rate[wheat].mean() < 75
    worth = worth_of_varying(answer, RATES_KG_HA, WHEAT_RUB_T, N_RUB_KG)[wheat]
    assert worth.min() > -1e-6
    assert np.quantile(worth, 0.1) < 250 and np.quantile(worth, 0.9) > 800  # [RUB/ha] somewhere it pays, elsewhere not


def test_the_best_rate_is_the_top_of_the_parabola() -> None:
    rates = (0.0, 50.0, 100.0)
    yields = np.array([[2.0 + 0.02 * n - 1e-4 * n**2, 2.0 + 0.001 * n, 2.0 + 0.1 * n] for n in rates])
    rate, gain = best_rate(yields, rates, 10_000.0, 100.0)  # by hand: 10000 (0.02 - 2e-4 n) = 100 at n = 50
    assert rate == pytest.approx([50.0, 0.0, 100.0])
    assert gain == pytest.approx([10_000 * (0.02 * 50 - 0.25) - 5000, 0.0, 10_000 * 10.0 - 10_000])


def test_strips_are_straight_repeated_and_each_rate_stands_once_a_repetition() -> None:
    x, y = (v.ravel() for v in np.meshgrid(np.arange(0, 1200, 10.0), np.arange(0, 600, 10.0)))
    strips = laid_out("t1", 2021, x, y, RULES["trial"], 11)
    inside = strips.strip >= 0
    assert set(strips.strip[inside]) == set(range(16))
    for rep in range(4):
        rates = {(s, n) for s, n, r in zip(strips.strip, strips.n_kg_ha, strips.rep, strict=True) if r == rep}
        assert sorted(n for _, n in rates) == [0, 30, 60, 90]
    assert abs(np.cos(strips.turn)) == pytest.approx(1, abs=1e-6)  # along the longer side
    weighed = as_weighed(np.full(x.shape, 2.0), strips, 1.03, np.random.default_rng(1))
    assert weighed.mean() == pytest.approx(2.06, abs=0.03)


def test_a_trial_shows_the_answer_of_its_field() -> None:
    region = simulated_tables(104, [2020], n_fields=16, pixels=120, trial_share=1.0)
    trials = region.trials
    assert set(trials["n_kg_ha"]) == {0.0, 30.0, 60.0, 90.0} and trials["field_id"].nunique() > 5
    mean = trials.groupby("n_kg_ha")["yield_t_ha"].mean()
    assert mean[60.0] > mean[0.0] + 0.2
    none = simulated_tables(104, [2020], n_fields=16, trial_share=0.0)
    assert none.trials.empty and list(none.trials) == list(trials)
