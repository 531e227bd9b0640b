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
    assert list(region.seasons) == [name for name in SEASON_COLUMNS if name != "manure_t_ha"]  # nobody spreads it there
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


@pytest.fixture(scope="module")
def with_all() -> Tables:
    return simulated_tables(107, range(2017, 2023), n_fields=16, with_parcels=True, bare_sky=True)


def test_parcels_beyond_the_fields_are_watched_and_change_no_field(with_all: Tables) -> None:
    beyond = set(with_all.parcelstats["field_id"])
    assert len(with_all.parcels) == 16 + len(beyond) and beyond < set(with_all.parcels["parcel_id"])
    assert not set(with_all.fieldstats["field_id"]) & beyond and not set(with_all.harvest["field_id"]) & beyond
    truth = with_all.truth.fields
    idle = truth[truth["use"] == "abandoned"]
    assert ((idle["crop"] == "idle_grass") == (idle["season"] >= idle["idle_since"])).all()
    assert {"abandoned", "hay", "no_till", "cropland"} < set(truth["use"])
    years = 2022 - idle.drop_duplicates("field_id")["idle_since"]
    assert (years < 3).any() and (years >= 6).any()
    plain = simulated_tables(107, range(2017, 2023), n_fields=16)
    assert plain.parcels.empty and plain.parcelstats.empty and plain.truth.bare_sky is None
    fields = truth[truth["use"] == "field"].reset_index(drop=True)
    assert fields["yield_t_ha"].equals(plain.truth.fields["yield_t_ha"])


def test_idle_land_hay_and_stubble_look_different(with_all: Tables) -> None:
    rows = with_all.parcelstats
    clear = rows[(rows["layer"] == "ndvi") & (rows["clear_fraction"] > 0.8)]
    clear = clear.assign(season=clear["acquired_at"].dt.year, month=clear["acquired_at"].dt.month)
    use = with_all.truth.fields[["field_id", "season", "use", "idle_since"]]
    clear = clear.merge(use)
    worked = clear["use"].isin(["cropland", "no_till"])
    idle = (clear["use"] == "abandoned") & (clear["season"] > clear["idle_since"])
    spring, autumn = clear["month"] == 5, clear["month"] == 9
    mean = clear["mean"]
    assert mean[spring & idle].mean() > mean[spring & worked].mean() + 0.15
    assert mean[autumn & (clear["use"] == "hay")].mean() > mean[autumn & worked].mean() + 0.2


def test_what_a_bare_sky_would_show_is_near_what_clear_looks_show(with_all: Tables) -> None:
    both = with_all.fieldstats.merge(with_all.truth.bare_sky, on=["field_id", "acquired_at", "layer"])
    assert len(both) == len(with_all.fieldstats) and both["bare_sky_mean"].notna().all()
    ndvi = both[both["layer"] == "ndvi"]
    off = (ndvi["mean"] - ndvi["bare_sky_mean"])[ndvi["clear_fraction"] > 0.7]
    assert abs(off.median()) < 0.01 and 0.002 < off.abs().median() < 0.03
    assert off.min() < -0.05  # clouds and veils that the classification missed


def test_offices_tell_of_livestock_and_prices_each_season(with_all: Tables) -> None:
    assert set(with_all.livestock["season"]) == set(with_all.prices["season"]) == set(range(2017, 2023))
    assert set(with_all.livestock["district"]) == set(with_all.statistics["district"])
    assert set(with_all.statistics["crop"]) | set(with_all.livestock["product"]) <= set(with_all.prices["product"])
