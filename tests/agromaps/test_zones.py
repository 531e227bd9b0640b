import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score

from agro.agromaps.stability import season_scores, temporal_stability
from agro.agromaps.zone_proof import Proof, explained_share, independent_px, prove, zone_means
from agro.agromaps.zones import FieldZones, ZoneRules, field_zones
from agro.domain.errors import BadInput
from agro.domain.layers import LAYERS

RULES = ZoneRules(implement_width_m=24.0)
SIDE = 64  # [px], 41 ha
ALL = np.ones((SIDE, SIDE), bool)


def stack(*maps: np.ndarray, name: str = "season") -> xr.DataArray:
    return xr.DataArray(np.stack(maps), dims=(name, "y", "x"))


def made(seasons: xr.DataArray, field: np.ndarray = ALL, rules: ZoneRules = RULES, **more: xr.DataArray) -> FieldZones:
    return field_zones(seasons, xr.DataArray(field, dims=("y", "x")), 10.0, rules, **more)


def smooth(random: np.random.Generator, px: float, side: int = SIDE) -> np.ndarray:
    surface = gaussian_filter(random.normal(size=(side, side)), px)
    return (surface - surface.mean()) / surface.std()


def planted(seed: int = 0, side: int = SIDE, noise: float = 0.4, seasons: int = 4) -> tuple[np.ndarray, xr.DataArray]:
    random = np.random.default_rng(seed)
    truth = np.digitize(smooth(random, 9, side), [-0.5, 0.5])
    return truth, stack(*(5 + truth + random.normal(0, noise, truth.shape) for _ in range(seasons)))


def agreement(truth: np.ndarray, found: FieldZones, field: np.ndarray = ALL) -> float:
    return float(adjusted_rand_score(truth[field], found.layers["zone"].values[field]))


def test_scores_and_stability_by_hand() -> None:
    index = np.array([[[1.0, 3.0]], [[10.0, 30.0]], [[3.0, 1.0]], [[7.0, 7.0]]])
    scores = season_scores(index, np.ones((1, 2), bool))
    assert scores[:3].tolist() == [[[-1, 1]], [[-1, 1]], [[1, -1]]]
    assert np.isnan(scores[3]).all()  # a season without variation says nothing
    mean, between = temporal_stability(scores)
    np.testing.assert_allclose(mean, [[-1 / 3, 1 / 3]])
    np.testing.assert_allclose(between, np.sqrt([[4 / 3, 4 / 3]]))  # (4/9 + 4/9 + 16/9) / 2
    mean, between = temporal_stability(np.array([[[np.nan, 1.0]], [[np.nan, np.nan]]]))
    assert np.isnan(mean[0, 0]) and mean[0, 1] == 1 and np.isnan(between).all()


def test_what_zones_explain_by_hand() -> None:
    zone = np.array([[1, 1, 2, 2, 0]])
    learnt = np.array([[0.0, 2.0, 4.0, 6.0, 9.0]])
    np.testing.assert_array_equal(zone_means(zone, learnt), [[1, 1, 5, 5, np.nan]])
    left_out = np.array([[1.0, 2.0, 3.0, 4.0, 9.0]])
    foreseen = zone_means(zone, learnt)
    assert explained_share(foreseen, left_out) == pytest.approx(0.8)  # variance 1.25, between the zones 1
    assert explained_share(foreseen, -left_out) == pytest.approx(-0.8)  # the wrong way round is below 0
    assert explained_share(np.ones((1, 5)), left_out) == 0 == explained_share(foreseen, np.full((1, 5), np.nan))


def test_independent_pixels() -> None:
    """White noise counts every pixel; a map that has its neighbours' values counts fewer; the true number is known
    from the scatter of correlations between unrelated maps."""
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 50, 50))
    assert independent_px(one, other) == pytest.approx(2500, rel=0.1)
    assert independent_px(one, np.ones((50, 50))) == 1
    pairs = [(smooth(random, 4, 60), smooth(random, 4, 60)) for _ in range(80)]
    scatter = np.var([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs])
    counted = float(np.median([independent_px(a, b) for a, b in pairs]))
    assert counted == pytest.approx(1 + 1 / scatter, rel=0.5) and counted < 100


def test_a_hole_in_the_map_and_a_frame_around_it_change_little() -> None:
    random = np.random.default_rng(1)
    one, other = smooth(random, 4, 60), smooth(random, 4, 60)
    framed = [np.pad(values, 7, constant_values=np.nan) for values in (one, other)]
    assert independent_px(*framed) == pytest.approx(independent_px(one, other))
    one[10:14, 10:14] = np.nan
    assert independent_px(one, other) == pytest.approx(independent_px(np.nan_to_num(one), other), rel=0.2)


def test_a_proof_needs_its_mean_its_lower_bound_and_every_season() -> None:
    errors, patches = (0.05, 0.05), (100.0, 100.0)
    assert Proof((0.5, 0.1), errors, patches).holds(0.2)
    assert not Proof((0.2, 0.1), errors, patches).holds(0.2)
    assert not Proof((0.5, 0.1), (0.3, 0.2), patches).holds(0.2)  # .3 - 1.28 x .25 is below 0
    assert not Proof((0.7, -0.1), errors, patches).holds(0.2)


def test_the_season_left_out_is_not_looked_at() -> None:
    """The drawing sees every season but one, each once."""
    scores = np.random.default_rng(0).normal(size=(3, 20, 20))
    met = []

    def draw(others: np.ndarray) -> np.ndarray:
        met.append(others)
        return np.ones((20, 20), "uint8")

    proof = prove(scores, draw)
    assert proof.by_season == (0, 0, 0) and not proof.holds(0.0)
    for left_out, others in enumerate(met):
        np.testing.assert_array_equal(others, np.delete(scores, left_out, axis=0))


def test_three_planted_zones_are_found_in_order() -> None:
    truth, seasons = planted()
    found = made(seasons)
    assert found.count == 3 and found.reason is None and agreement(truth, found) >= 0.9
    assert found.scores.loc[found.scores["chosen"], "clusters"].tolist() == [3]
    assert found.rows["z_mean"].is_monotonic_increasing
    np.testing.assert_allclose(found.rows["index_mean"], [5, 6, 7], atol=0.1)
    assert (found.rows["index_se"] < 0.05).all() and (found.rows["stable_fraction"] > 0.8).all()
    assert found.proof is not None and min(found.proof.by_season) > 0.7
    shares = found.rows["stable_fraction"] * found.rows["area_ha"]
    assert found.stable_fraction == pytest.approx(shares.sum() / found.rows["area_ha"].sum())


def test_hectares_of_the_zones_are_those_of_the_field() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    field = rows**2 + 2 * columns**2 < 900
    found = made(planted(1)[1], field)
    zone = found.layers["zone"].values
    np.testing.assert_array_equal(zone > 0, field)
    assert found.rows["area_ha"].sum() == pytest.approx(field.sum() / 100)
    assert found.rows["area_ha"].tolist() == [(zone == n).sum() / 100 for n in found.rows["zone"]]


@pytest.mark.parametrize("px", [0.0, 2.0, 5.0])
def test_noise_that_shares_nothing_between_seasons_is_one_zone(px: float) -> None:
    """Patches too: each season has its own."""
    for seed in range(3):
        random = np.random.default_rng(seed)
        found = made(stack(*(random.normal(size=(SIDE, SIDE)) if px == 0 else smooth(random, px) for _ in range(3))))
        assert found.count == 1 and found.reason is not None
        assert found.reason.code in {"ZONE-UNPROVED", "ZONE-NARROW"}
        assert (found.layers["zone"].values == 1).all()


def test_seasons_that_contradict_each_other_are_one_zone() -> None:
    """High in a wet year is low in a dry one: the zones explain all, the wrong way round."""
    random = np.random.default_rng(0)
    truth = smooth(random, 9)
    found = made(stack(*(sign * truth + random.normal(0, 0.2, truth.shape) for sign in (1, -1, 1, -1))))
    assert found.reason is not None and found.reason.code == "ZONE-UNPROVED"
    assert (found.layers["zone_stability"].values == 3).mean() > 0.5
    one_against = made(stack(*(sign * truth + random.normal(0, 0.2, truth.shape) for sign in (1, 1, 1, 1, -1))))
    assert one_against.count == 1


def test_wide_patches_of_their_own_in_every_season_seldom_pass_for_zones() -> None:
    """Patches as wide as a third of the field agree by chance; one of these eight would pass without its error."""
    random = np.random.default_rng(0)
    fields = [stack(*(smooth(random, 14) for _ in range(3))) for _ in range(8)]
    proofs = [made(seasons).proof for seasons in fields]
    assert sum(proof is not None and proof.explained >= RULES.least_proof for proof in proofs) == 1
    assert not any(proof is not None and proof.holds(RULES.least_proof) for proof in proofs)


def test_one_gradient_is_cut_across() -> None:
    random = np.random.default_rng(0)
    slope = np.linspace(-1.7, 1.7, SIDE)[:, None] * np.ones((SIDE, SIDE))
    found = made(stack(*(slope + random.normal(0, 0.5, slope.shape) for _ in range(3))))
    assert 2 <= found.count <= 5
    zone = found.layers["zone"].values.astype(int)
    assert (np.diff(zone.mean(axis=1)) >= -0.05).all() and zone[0].max() == 1 and zone[-1].min() == found.count


def test_strips_narrower_than_the_machine_are_one_zone() -> None:
    random = np.random.default_rng(0)
    strips = np.where(np.arange(SIDE) // 3 % 2, 1.0, -1.0)[None, :] * np.ones((SIDE, 1))
    seasons = stack(*(strips + random.normal(0, 0.2, strips.shape) for _ in range(3)))
    assert made(seasons).count == 1
    narrow = made(seasons, rules=ZoneRules(implement_width_m=6.0, smallest_ha=0.1))
    assert narrow.reason is None or narrow.reason.code == "ZONE-NARROW"


def test_two_hectares_are_one_zone_and_so_are_two_seasons() -> None:
    truth, seasons = planted()
    field = np.zeros((SIDE, SIDE), bool)
    field[40:54, 40:54] = True
    small, few = made(seasons, field), made(seasons[:2])
    assert small.reason is not None and small.reason.code == "ZONE-SMALL" and small.count == 1
    assert few.reason is not None and few.reason.code == "ZONE-SEASONS" and few.count == 1
    assert "2 seasons" in few.reason.reason and few.rows["area_ha"].tolist() == [SIDE**2 / 100]
    assert agreement(truth, made(seasons[:2], rules=ZoneRules(24.0, fewest_seasons=2))) > 0.9


def test_one_season_is_never_enough_whatever_the_rules_say() -> None:
    found = made(planted()[1][:1], rules=ZoneRules(24.0, fewest_seasons=1))
    assert found.reason is not None and found.reason.code == "ZONE-SEASONS" and np.isnan(found.stable_fraction)


def test_no_more_zones_than_asked() -> None:
    assert made(planted()[1], rules=ZoneRules(24.0, most_zones=2)).count == 2


def test_holes_are_filled_and_a_season_that_shows_little_is_not_counted() -> None:
    truth, seasons = planted()
    values = seasons.values.copy()
    values[np.random.default_rng(1).random(values.shape) < 0.2] = np.nan
    values[:, 30:36, 30:36] = np.nan
    holed = made(seasons.copy(data=values))
    assert agreement(truth, holed) >= 0.9 and (holed.layers["zone"].values > 0).all()
    assert (holed.layers["zone_stability"].values[30:36, 30:36] == 0).all()
    values[1:, :32] = np.nan
    few = made(seasons.copy(data=values))
    assert few.reason is not None and few.reason.code == "ZONE-SEASONS" and few.reason.facts["met"] == 1


def test_nothing_seen_at_all_and_a_field_of_one_value() -> None:
    for seasons in (stack(*[np.full((SIDE, SIDE), np.nan)] * 3), stack(*[np.full((SIDE, SIDE), 4.2)] * 3)):
        found = made(seasons)
        assert found.count == 1 and found.reason is not None and found.reason.code == "ZONE-SEASONS"


def test_a_pond_does_not_make_the_zones() -> None:
    truth, seasons = planted()
    seasons[:, 10:14, 10:14] = -50.0
    assert agreement(truth, made(seasons)) > 0.85


def test_the_same_twice_and_mirrored_and_turned() -> None:
    _, seasons = planted(4)
    found = made(seasons)
    zone = found.layers["zone"].values
    np.testing.assert_array_equal(made(seasons).layers["zone"].values, zone)
    mirrored = made(seasons[:, ::-1]).layers["zone"].values[::-1]
    turned = made(seasons.copy(data=np.rot90(seasons.values, axes=(1, 2)))).layers["zone"].values
    assert (mirrored == zone).mean() > 0.99
    assert (np.rot90(turned, -1) == zone).mean() > 0.99
    rescaled = made(3 * seasons + 7).layers["zone"].values
    np.testing.assert_array_equal(rescaled, zone)


def test_a_static_layer_is_used_where_it_helps_and_left_where_it_does_not() -> None:
    random = np.random.default_rng(0)
    soil = np.digitize(smooth(random, 8), [-0.4, 0.6]).astype(float)
    seasons = stack(*(soil + 0.8 * smooth(random, 4) for _ in range(3)))
    helped = made(seasons, static=stack(soil + random.normal(0, 0.1, soil.shape), name="layer"))
    alone = made(seasons)
    assert helped.with_static and helped.proof is not None and alone.proof is not None
    assert helped.proof.explained > alone.proof.explained and agreement(soil, helped) > agreement(soil, alone)
    idle = made(planted()[1], static=stack(*(smooth(random, 8) for _ in range(6)), name="layer"))
    assert not idle.with_static and idle.count == 3


def test_the_layers_keep_to_their_rows_in_the_register() -> None:
    found = made(planted()[1])
    for name, layer in found.layers.items():
        row = LAYERS[str(name)]
        assert layer.dtype == row.dtype and row.lowest <= layer.min() and layer.max() <= row.highest
    stability = found.layers["zone_stability"].values
    assert {1, 2} <= set(np.unique(stability)) <= {1, 2, 3}


def test_what_does_not_fit_is_refused() -> None:
    seasons = planted()[1]
    with pytest.raises(BadInput, match="ZONE-PIXELS"):
        made(seasons, ALL[:9])
    with pytest.raises(BadInput, match="ZONE-PIXELS"):
        made(seasons, static=stack(np.ones((3, 3)), name="layer"))
    with pytest.raises(BadInput, match="ZONE-WIDTH"):
        made(seasons, rules=ZoneRules(0.0))
    with pytest.raises(BadInput, match="ZONE-EMPTY"):
        made(seasons, np.zeros((SIDE, SIDE), bool))
