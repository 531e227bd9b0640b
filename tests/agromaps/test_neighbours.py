from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from test_alerts import RULE, days, infrared

from agro.agromaps.neighbours import fields_behind
from agro.domain.alert import Alert

AREA = {f"f{i}": 50.0 for i in range(8)}


def neighbours(fall: float = 0.0, looks: int = 6) -> pd.DataFrame:
    random = np.random.default_rng(3)
    values = 0.7 + random.normal(0, 0.01, (looks, 8))
    table = pd.DataFrame(values, index=pd.DatetimeIndex(days(looks)), columns=[f"f{i}" for i in range(8)])
    table.loc[table.index[4:], "f3"] -= fall
    return table


def behind(table: pd.DataFrame, brighter: float = 0.0) -> list[Alert]:
    nir = pd.DataFrame(infrared(table.to_numpy()), table.index, table.columns)
    nir.loc[nir.index[4:], "f3"] += brighter
    return fields_behind(table, nir, AREA, RULE)


def test_a_field_is_behind_its_neighbours_when_it_fell_and_they_did_not() -> None:
    assert behind(neighbours()) == []
    (alert,) = behind(neighbours(0.2))
    assert (alert.field_id, alert.what, alert.against) == ("f3", "field_behind", "neighbours")
    assert (alert.looks, alert.area_ha, alert.since, alert.well_at) == (2, 50.0, days(6)[4], days(6)[3])
    assert alert.drop == pytest.approx(0.2, abs=0.03)


def test_haze_over_one_field_is_no_loss() -> None:
    assert behind(neighbours(0.2), brighter=0.1) == []


def test_all_fall_together_at_ripening_and_none_is_behind() -> None:
    table = neighbours()
    table.iloc[4:] -= 0.25
    assert behind(table) == []


def test_days_of_sowing_are_no_loss_while_all_green_quickly() -> None:
    """A field sown five days later greens five days later: 0.1 behind at 0.02 a day."""
    table = neighbours()
    for number in range(6):
        table.iloc[number] = 0.35 + 0.1 * number + 0.01 * np.arange(8) / 8
    table.loc[table.index[2:], "f3"] -= 0.1
    assert behind(table) == []


def test_an_error_that_all_fields_of_a_look_share_hides_no_loss() -> None:
    """Two looks three days apart that differ by 0.06 in all fields: no crop grows so; the mown field shows."""
    table = neighbours(0.15)
    table.index = pd.DatetimeIndex([days(1)[0] + timedelta(days=d) for d in (0, 10, 20, 27, 30, 32)])
    table.iloc[3] += 0.06
    (alert,) = behind(table)
    assert (alert.field_id, alert.since) == ("f3", table.index[4])


def test_a_field_that_was_reaped_is_not_behind() -> None:
    table = neighbours()
    table.loc[table.index[4:], "f3"] = 0.2
    assert behind(table) == []


def test_without_neighbours_no_claim_is_made() -> None:
    assert behind(neighbours(0.3)[["f3", "f4", "f5"]]) == []
