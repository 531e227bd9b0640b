"""Lime by hydrolytic acidity, top dressing by the sufficiency index: known answers, and when there is no dose."""

import numpy as np
import pytest
from agronomy import rules

from agro.advice.lime import lime_dose
from agro.advice.sufficiency import TopDressing, sufficiency, top_dressing
from agro.domain.errors import BadInput

RULE = TopDressing(0.30, 0.97)


def test_full_dose_of_lime_is_one_and_a_half_times_the_acidity_at_the_handbooks_density() -> None:
    assert lime_dose(4.0, 4.8, 20.0, 1.5, rules().lime) == pytest.approx(6000.0)
    assert lime_dose(4.0, 4.8, 20.0, 1.1, rules().lime) == pytest.approx(4400.0)
    assert lime_dose(4.0, 5.6, 20.0, 1.1, rules().lime) == 0.0
    assert lime_dose(12.0, 4.0, 20.0, 1.5, rules().lime) == 8000.0  # at once


def test_no_lime_by_ph_alone() -> None:
    with pytest.raises(BadInput, match="LIME-ACIDITY"):
        lime_dose(None, 4.2, 20.0, 1.1, rules().lime)


def test_an_index_of_085_asks_for_the_root_of_a_half() -> None:
    dose = top_dressing(np.array([0.85, 0.97, 1.0, 0.7, 0.4, np.nan]), 100.0, 30.0, 20.0, RULE, real_strip=True)
    assert dose[0] == pytest.approx(50 * 0.707107, abs=1e-4)
    assert dose[1:5].tolist() == [0.0, 0.0, pytest.approx(50.0), 50.0] and np.isnan(dose[5])


def test_without_a_real_strip_the_index_gives_no_dose() -> None:
    with pytest.raises(BadInput, match="TOP-NO-STRIP"):
        top_dressing(np.array([0.85]), 100.0, 30.0, 20.0, RULE, real_strip=False)


def test_the_index_is_over_the_reference_and_never_above_one() -> None:
    assert sufficiency([0.30, 0.45, 0.50], 0.45).tolist() == [pytest.approx(2 / 3), 1.0, 1.0]
