import numpy as np
import pandas as pd
import pytest

from agro.domain.land import OUTLINE_COLUMNS, SEASON_COLUMNS
from agro.sources.weather import WEATHER_COLUMNS
from agro.twin.oracle import oracle
from agro.twin.table import Tables
from flows.simulated import simulated_tables

SEASONS = range(2015, 2023)


@pytest.fixture(scope="module")
def region() -> Tables:
    return simulated_tables(104, SEASONS, n_fields=24, mapped_share=0.8)


def test_the_seed_decides_and_another_seed_is_another_region(region: Tables) -> None:
    same, other = (simulated_tables(seed, [2015], n_fields=24, mapped_share=0.8) for seed in (104, 105))
    first = region.fieldstats[region.fieldstats["acquired_at"].dt.year == 2015].reset_index(drop=True)
    assert first["mean"].equals(same.fieldstats["mean"]) and first["acquisition_id"].equals(
        same.fieldstats["acquisition_id"]
    )
    assert not same.truth.fields["yield_t_ha"].equals(other.truth.fields["yield_t_ha"])
    assert not same.outlines.geometry.equals(other.outlines.geometry)


def test_tables_have_the_columns_of_their_readers(region: Tables) -> None:
    assert list(region.outlines.drop(columns="geometry")) == list(OUTLINE_COLUMNS)
    assert list(region.seasons) == list(SEASON_COLUMNS)
    assert list(region.weather) == list(WEATHER_COLUMNS)
    rows = region.fieldstats
    assert set(rows["layer"]) == {"ndvi", "evi2", "ndre", "ndmi", "lai"}
    assert not rows.duplicated(["field_id", "acquired_at", "layer"]).any()
    assert str(rows["acquired_at"].dtype) == "datetime64[us, UTC]"
    unseen = rows["clear_fraction"] == 0
    assert rows.loc[unseen, "mean"].isna().all() and rows.loc[~unseen, "mean"].notna().all()
    assert (rows.loc[unseen, "flag"] == "no_clear_px").all()
    assert 0.2 < (rows["clear_fraction"] > 0.7).mean() < 0.6
    assert set(rows["field_id"]) == set(region.outlines["field_id"]) == set(region.harvest["field_id"])


def test_wheat_yields_are_those_of_the_region(region: Tables) -> None:
    fields = pd.concat([region.truth.fields, simulated_tables(106, range(2011, 2023), 24).truth.fields])
    wheat = fields[fields["crop"] == "spring_wheat"]["yield_t_ha"]
    assert 2.3 < wheat.mean() < 3.1
    assert wheat.quantile(0.02) > 1.0 and wheat.quantile(0.98) < 5.0
    per_year = fields[fields["crop"] == "spring_wheat"].groupby("season")["yield_t_ha"].mean()
    assert per_year.min() < 0.85 * per_year.mean()  # a drought is among them
    grown = fields.groupby("crop")["yield_t_ha"].mean()
    assert grown["potato"] > 10 and grown["barley"] < 4 and np.isnan(grown["fallow"])


def test_the_district_is_the_sum_of_its_fields_within_rounding(region: Tables) -> None:
    of_fields = region.statistics[region.statistics["category"] != "households"]  # their gardens are no fields
    last = of_fields.sort_values("vintage").drop_duplicates(["district", "crop", "category", "season"], keep="last")
    total = region.truth.fields.groupby(["district", "season"])["production_t"].sum()
    told = last.groupby(["district", "season"])["production_t"].sum()
    rows = last.groupby(["district", "season"]).size()
    assert (np.abs(told - total) <= 0.5 * rows).all()
    first = of_fields.sort_values("vintage").drop_duplicates(["district", "crop", "category", "season"])
    assert not first["production_t"].reset_index(drop=True).equals(last["production_t"].reset_index(drop=True))


def test_harvest_records_are_near_the_truth_and_never_equal_it(region: Tables) -> None:
    both = region.harvest.merge(region.truth.fields, on=["field_id", "season"], suffixes=("", "_true"))
    over = both["yield_t_ha"] / both["yield_t_ha_true"]
    assert 1.05 < over[both["weight_basis"] == "bunker"].median() < 1.14
    assert 0.94 < over[both["weight_basis"] == "barn"].median() < 1.06
    by_farm = over.groupby(both["farm_id"]).median()
    assert by_farm.std() > 0.01  # scales differ


def test_the_oracle_errs_as_it_says_and_less_the_later_it_is(region: Tables) -> None:
    wheat = region.truth.fields["crop"] == "spring_wheat"
    truth = region.truth.fields.loc[wheat, "yield_t_ha"]
    plain = truth.std()
    errors = {on: oracle(region.truth.was, on)[wheat].assign(truth=truth) for on in ("06-01", "07-15", "08-20")}
    rmse = {on: np.sqrt(((e["expected_t_ha"] - e["truth"]) ** 2).mean()) for on, e in errors.items()}
    assert rmse["08-20"] < rmse["07-15"] < rmse["06-01"] < 1.15 * plain
    assert rmse["08-20"] < 0.5 * plain
    late = errors["08-20"]
    assert abs((late["expected_t_ha"] - late["truth"]).mean()) < 0.2
