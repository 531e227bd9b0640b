import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agro.agromaps.soil import choose_method, interval_90, map_property, tell_at
from agro.agromaps.soil_methods import METHODS, Ground, fit_methods, variogram
from agro.agromaps.soil_skill import NORMAL_90, calibration, score, spatial_folds, within_fields
from agro.agromaps.soil_trial import left_out
from agro.domain.errors import BadInput
from agro.domain.layers import LAYERS
from agro.domain.soil import DETERMINANDS


def ground(xy: object, covariates: object = None, field: object = None) -> Ground:
    places = np.asarray(xy, float)
    n = len(places)
    return Ground(
        places,
        np.zeros((n, 0)) if covariates is None else np.asarray(covariates, float),
        np.zeros(n) if field is None else np.asarray(field, float),
    )


def samples(n: int, seed: int = 1, slope: float = 1.0, noise: float = 0.3, fields: int = 1) -> pd.DataFrame:
    """Places in fields side by side, each 1 km wide; the property follows the covariate `wetness`."""
    random = np.random.default_rng(seed)
    field = np.arange(n) % fields
    x, y = random.uniform(0, 1000, n) + 1000 * field, random.uniform(0, 1000, n)
    wetness = np.sin(x / 170) + np.cos(y / 130)
    value = 6 + slope * wetness + random.normal(0, noise, n)
    return pd.DataFrame(
        {"x_m": x, "y_m": y, "wetness": wetness, "other": random.normal(size=n), "value": value, "field_number": field}
    )


def maps(width: int = 50, height: int = 50) -> xr.Dataset:
    x, y = 10.0 + 20 * np.arange(width), 990.0 - 20 * np.arange(height)
    wetness = np.sin(x[None] / 170) + np.cos(y[:, None] / 130)
    return xr.Dataset(
        {"wetness": (("y", "x"), wetness), "other": (("y", "x"), np.zeros(wetness.shape))}, coords={"x": x, "y": y}
    )


def test_distances_known_answer() -> None:
    tell = fit_methods(ground([(0, 0), (3, 0), (0, 4)]), np.array([1.0, 2.0, 4.0]), ("idw",))["idw"]
    told = tell(ground([(0, 0), (0, 2)]))[0]
    third = 1 / 13
    assert told[0] == pytest.approx(1.0, abs=1e-5)
    assert told[1] == pytest.approx((1 / 4 + 2 * third + 4 / 4) / (1 / 4 + third + 1 / 4))


def test_the_mean_is_of_the_own_field_and_of_all_where_it_has_no_sample() -> None:
    places = ground(np.zeros((4, 2)), field=[1, 1, 2, 2])
    tell = fit_methods(places, np.array([1.0, 3.0, 10.0, 12.0]), ("mean",))["mean"]
    value, error = tell(ground(np.zeros((3, 2)), field=[1, 2, 9]))
    assert value.tolist() == [2.0, 11.0, 6.5]
    assert error[0] == pytest.approx(np.sqrt(2 * 1.5)) and error[2] > error[0]  # within-field variance 2, of 2 samples


def test_kriging_by_the_equations_written_out() -> None:
    random = np.random.default_rng(3)
    xy = random.uniform(0, 100, (40, 2))
    values = np.sin(xy[:, 0] / 20) + 0.1 * random.normal(size=40)
    shape = variogram(xy, values)
    assert 0 <= shape.nugget < 0.5 * shape.sill
    there = np.array([[50.0, 50.0], [10.0, 90.0]])

    def gamma(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        far = np.linalg.norm(a[:, None] - b[None], axis=2)
        return np.where(far > 0, shape.nugget + (shape.sill - shape.nugget) * (1 - np.exp(-3 * far / shape.range_m)), 0)

    system = np.ones((41, 41))
    system[:40, :40], system[40, 40] = gamma(xy, xy), 0
    right = np.vstack([gamma(xy, there), np.ones((1, 2))])
    weights = np.linalg.solve(system, right)
    value, error = fit_methods(ground(xy), values, ("kriging",))["kriging"](ground(there))
    np.testing.assert_allclose(value, weights[:40].T @ values, rtol=1e-6)
    np.testing.assert_allclose(error**2, (weights * right).sum(0), rtol=1e-6)


def test_pure_noise_has_no_range_and_kriging_gives_the_mean() -> None:
    random = np.random.default_rng(0)
    xy, values = random.uniform(0, 1000, (200, 2)), random.normal(size=200)
    shape = variogram(xy, values)
    assert shape.nugget / shape.sill > 0.8
    told = fit_methods(ground(xy), values, ("kriging",))["kriging"](ground(xy))[0]
    assert told.std() < 0.3 * values.std()


def test_every_way_stands_two_samples_at_one_place_and_a_constant_covariate() -> None:
    random = np.random.default_rng(2)
    xy = np.repeat(random.uniform(0, 100, (10, 2)), 2, axis=0)
    for values in (random.normal(size=20), np.r_[np.full(19, 5.0), 5.000001]):
        told = fit_methods(ground(xy, np.ones((20, 1))), values, METHODS)
        for tell in told.values():
            value, error = tell(ground(xy, np.ones((20, 1))))
            assert np.isfinite(value).all() and (error >= 0).all()


def test_more_covariates_than_samples() -> None:
    random = np.random.default_rng(5)
    hidden = random.normal(size=40)
    many = pd.DataFrame(hidden[:, None] + 0.5 * random.normal(size=(40, 200)), columns=[f"c{i}" for i in range(200)])
    table = many.assign(
        x_m=random.uniform(0, 1e3, 40), y_m=random.uniform(0, 1e3, 40), value=5 + hidden + 0.2 * random.normal(size=40)
    )
    choice = choose_method(table, list(many.columns))
    assert choice.surface and choice.scores is not None and choice.scores.r2 > 0.7


def test_whole_fields_are_left_out_from_five_fields_on() -> None:
    table = samples(60, fields=6)
    folds = spatial_folds(ground(table[["x_m", "y_m"]], field=table["field_number"]), table["value"].to_numpy())
    assert folds.kind == "fields"
    assert (pd.Series(folds.number).groupby(table["field_number"]).nunique() == 1).all()
    few = spatial_folds(ground(table[["x_m", "y_m"]]), table["value"].to_numpy())
    assert few.kind == "blocks" and 5 <= len(set(few.number)) <= 10 and few.side_m > 0
    nowhere = spatial_folds(ground(np.full((60, 2), np.nan)), table["value"].to_numpy())
    assert nowhere.kind == "random"


def test_blocks_hold_neighbours() -> None:
    table = samples(100)
    xy = table[["x_m", "y_m"]].to_numpy()
    number = spatial_folds(ground(xy), table["value"].to_numpy()).number
    within = np.mean([xy[number == k].std(0).mean() for k in np.unique(number)])
    assert within < 0.6 * xy.std(0).mean()


def test_figures_of_merit_by_hand() -> None:
    got = score(
        np.array([1.0, 2.0, 3.0]),
        np.array([1.0, 2.0, 6.0]),
        np.full(3, 2.0),
        np.array([0.0, 1.0, 2.0]),
        (1.5, 2.5, 5.0),
    )
    assert (got.n, got.rmse, got.mean_error) == (3, pytest.approx(np.sqrt(3)), pytest.approx(1.0))
    assert got.r2 == pytest.approx(1 - 9 / 2) and got.skill == pytest.approx(1 - 9 / 2)
    assert got.ccc == pytest.approx(2 * (5 / 3) / (2 / 3 + 14 / 3 + 1))
    assert (got.class_share, got.class_share_1) == (pytest.approx(2 / 3), 1.0)
    assert got.squared_z == pytest.approx(5 / 3) and got.coverage_90 == pytest.approx(2 / 3)


def test_calibration_known_answer() -> None:
    residuals = np.arange(1.0, 20.0)  # 19 of them: rank 18 of (19 + 1) * 0.9
    assert calibration(residuals, np.ones(19)) == pytest.approx(18 / NORMAL_90)
    assert calibration(2 * residuals, 2 * np.ones(19)) == pytest.approx(18 / NORMAL_90)


def test_what_a_covariate_explains_is_mapped_and_its_intervals_hold() -> None:
    table, unseen = samples(90), samples(400, seed=7)
    choice = choose_method(table, ["wetness", "other"], upper=(5.0, 6.0, 7.0))
    assert choice.surface and choice.reason is None and choice.scores is not None
    assert choice.scores.r2 > 0.7 and choice.scores.class_share_1 == 1.0 and 0.8 < choice.scores.coverage_90 <= 1
    assert sum(choice.weights.values()) == pytest.approx(1) and min(choice.weights.values()) >= 0
    value, error = tell_at(table, unseen, choice)
    inside = np.abs(value - unseen["value"]) <= NORMAL_90 * error
    assert 0.8 <= inside.mean() <= 0.98
    assert 1 - ((value - unseen["value"]) ** 2).sum() / ((unseen["value"] - table["value"].mean()) ** 2).sum() > 0.7


def test_pure_noise_is_not_drawn() -> None:
    drawn = 0
    for seed in range(3):
        noise = samples(60, seed=seed, slope=0.0)
        choice = choose_method(noise, ["wetness", "other"])
        drawn += choice.surface
        if not choice.surface:
            assert (
                choice.reason is not None
                and choice.reason.code == "SOIL-NO-SKILL"
                and "plain average" in str(choice.reason)
            )
            told = map_property(noise, maps(5, 5), choice)
            np.testing.assert_allclose(told["value"], noise["value"].mean())
            assert (told["se"] > noise["value"].std() * 0.95).all()
    assert drawn <= 1


def test_three_samples_make_an_average_with_a_wide_error_and_no_surface() -> None:
    table = samples(3)
    choice = choose_method(table, ["wetness"])
    assert not choice.surface and choice.scores is None
    assert choice.reason is not None and choice.reason.code == "SOIL-FEW"
    told = map_property(table, maps(4, 4), choice)
    spread = table["value"].std() * np.sqrt(4 / 3)
    np.testing.assert_allclose(told["value"], table["value"].mean())
    np.testing.assert_allclose(
        told["se"], spread * 2.919986 / NORMAL_90, rtol=1e-5
    )  # Student's t, 2 degrees of freedom
    alone = map_property(samples(1), maps(4, 4), choose_method(samples(1), []))
    assert np.isfinite(alone["value"]).all() and np.isnan(alone["se"]).all()
    none = map_property(samples(0), maps(4, 4), choose_method(samples(0), []))
    assert np.isnan(none["value"]).all()


def test_fields_get_their_own_averages_and_a_field_without_samples_gets_none() -> None:
    table = samples(8, fields=2)
    choice = choose_method(table, ["wetness"])
    field = xr.full_like(maps(4, 4)["wetness"], 0.0)
    field[:, 1], field[:, 2], field[:, 3] = 1.0, 7.0, np.nan
    told = map_property(table, maps(4, 4), choice, field)["value"]
    means = table.groupby("field_number")["value"].mean()
    np.testing.assert_allclose(told[0], [means[0], means[1], np.nan, np.nan])


def stepped(slope: float, noise: float) -> pd.DataFrame:
    """Six fields side by side that differ by a step which no covariate shows."""
    table = samples(60, fields=6, slope=slope, noise=noise)
    table["value"] += np.array([0.0, 3.0, -2.0, 1.0, -3.0, 2.0])[table["field_number"]]
    return table


def test_fields_that_differ_and_do_not_vary_keep_their_averages() -> None:
    table = stepped(0.0, 0.1)
    choice = choose_method(table, ["wetness", "other"])
    value, _ = tell_at(table, table, choice)
    assert np.abs(value - table.groupby("field_number")["value"].transform("mean")).max() < 0.15
    assert choice.surface or (choice.reason is not None and choice.reason.code == "SOIL-NO-SKILL")


def test_inside_fields_that_differ_by_a_step_the_map_still_shows_what_it_explains() -> None:
    table = stepped(1.0, 0.3)
    choice = choose_method(table, ["wetness", "other"])
    assert choice.surface and choice.centred and choice.folds == "parts"
    assert choice.scores is not None and choice.scores.skill > 0.6
    field = xr.full_like(maps(4, 4)["wetness"], 0.0)
    field[:, 3] = 77.0  # a field that nobody sampled has no average to be centred by
    told = map_property(table, maps(4, 4), choice, field)["value"]
    assert np.isfinite(told[:, :3]).all() and np.isnan(told[:, 3]).all()


def test_where_whole_fields_can_be_told_a_field_without_samples_is_mapped_too() -> None:
    table = samples(60, fields=6)
    choice = choose_method(table, ["wetness", "other"])
    assert choice.surface and choice.folds == "fields" and not choice.centred
    field = xr.full_like(maps(4, 4)["wetness"], 77.0)
    assert np.isfinite(map_property(table, maps(4, 4), choice, field)["value"]).all()


def test_parts_of_every_field_are_left_out_in_turn() -> None:
    table = samples(60, fields=6)
    number = within_fields(ground(table[["x_m", "y_m"]], field=table["field_number"])).number
    assert (pd.Series(number).groupby(table["field_number"]).nunique() == 5).all()


def test_equal_samples_are_their_own_map_and_too_many_are_refused() -> None:
    table = samples(20).assign(value=5.5)
    choice = choose_method(table, ["wetness"])
    assert not choice.surface and choice.reason is not None and choice.reason.code == "SOIL-EQUAL"
    with pytest.raises(BadInput, match="SOIL-TOO-MANY"):
        choose_method(samples(1501), ["wetness"])


def test_a_logarithmic_property_comes_back_in_its_unit() -> None:
    table = samples(100, noise=0.2)
    table["value"] = np.exp(table["value"] - 1.5)
    table.loc[0, "value"] = 0.0  # below what the laboratory can tell
    choice = choose_method(table, ["wetness"], logarithmic=True)
    assert choice.surface and choice.scores is not None and choice.scores.skill > 0
    told = map_property(table, maps(10, 10), choice)
    low, high = interval_90(told["value"], told["se"], True)
    assert (low > 0).all() and (low < told["value"]).all() and (told["value"] < high).all()
    assert ((high * low) ** 0.5 < told["value"]).all()  # the middle of a skewed distribution is below its mean


def test_ends_of_an_interval_known_answers() -> None:
    one = xr.DataArray(np.array([100.0])), xr.DataArray(np.array([50.0]))
    low, high = interval_90(*one, False)
    assert (float(low[0]), float(high[0])) == (pytest.approx(17.755), pytest.approx(182.245))
    low, high = interval_90(*one, True)
    spread = np.sqrt(np.log(1.25))
    assert float(low[0] * high[0]) == pytest.approx(100**2 / 1.25)
    assert float(high[0] / low[0]) == pytest.approx(np.exp(2 * NORMAL_90 * spread))
    assert float(interval_90(xr.DataArray([1.0]), xr.DataArray([5.0]), False)[0][0]) == 0.0


def test_an_unknown_covariate_is_an_unknown_pixel_and_a_block_is_as_the_whole() -> None:
    table = samples(60)
    choice = choose_method(table, ["wetness", "other"])
    assert choice.surface
    layers = maps(12, 12)
    layers["wetness"][3, 4] = np.nan
    told = map_property(table, layers, choice)
    assert np.isnan(told["value"][3, 4]) and np.isnan(told["se"][3, 4])
    assert int(told["value"].isnull().sum()) == 1
    part = map_property(table, layers.isel(y=slice(2, 7), x=slice(3, 9)), choice)
    xr.testing.assert_allclose(part, told.isel(y=slice(2, 7), x=slice(3, 9)))
    lazy = map_property(table, layers.chunk(5), choice)
    assert isinstance(lazy["value"].data, dask.array.Array)
    xr.testing.assert_allclose(lazy.compute(), told)
    assert list(told.dims) == ["y", "x"]


def test_samples_without_a_figure_are_left_aside() -> None:
    table = samples(60)
    hole = pd.concat([table, table.iloc[:5].assign(value=np.nan)], ignore_index=True)
    assert choose_method(hole, ["wetness"]) == choose_method(table, ["wetness"])


def test_no_fold_is_told_by_itself() -> None:
    table = samples(40)
    places = ground(table[["x_m", "y_m"]], table[["wetness"]])
    number = spatial_folds(places, table["value"].to_numpy()).number
    spoiled = table["value"].to_numpy().copy()
    before = left_out(places, spoiled, number, METHODS)
    spoiled[number == 0] += 1e3
    after = left_out(places, spoiled, number, METHODS)
    for name in METHODS:
        np.testing.assert_array_equal(before[name][0][number == 0], after[name][0][number == 0])


def test_each_mapped_determinand_has_its_layer_and_the_layer_of_its_error() -> None:
    mapped = [row for row in DETERMINANDS.values() if row.layer]
    traces = {"cu", "zn", "mn", "co", "b", "mo"}
    assert {row.layer for row in mapped} == {"humus", "ph", "p2o5", "k2o", "n_no3", "s", *traces}
    for row in mapped:
        assert LAYERS[str(row.layer)].unit == LAYERS[f"{row.layer}_se"].unit == row.unit
        assert not LAYERS[f"{row.layer}_se"].statistics
