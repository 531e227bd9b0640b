"""What may be shown: no figure that tells of a farm, none that can be had by subtracting figures from each other."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from agro.domain.errors import Refusal

Array = np.ndarray
_SAME = 1e-9  # [1] entries below it are rounding
_MOST_UNIONS = 2000  # [1] sets of farms that are tried as one
_ORDERS = 6  # [1] orders in which figures are subtracted from each other to find what is left


@dataclass(frozen=True)
class Limits:
    """When a figure may be shown: of so many farms, none of which, and no two of which, hold more than these [1]."""

    fewest_farms: int
    one_farm: float
    two_farms: float


def telling(by_farm: Array, limits: Limits) -> Refusal | None:
    """Why a figure would tell of a farm.

    by_farm  what each farm has of it [any unit], 0 where it has nothing
    limits   when a figure may be shown [1]
    returns  None where it may
    source   (n, k) dominance and minimum frequency rules: Hundepool et al. 2012, section 4.2
    """
    own = np.sort(np.abs(by_farm[np.abs(by_farm) > _SAME]))[::-1]
    if len(own) < limits.fewest_farms:
        return Refusal(
            "PRIVATE-FEW",
            "withheld: it would show fewer than {fewest} farms",
            "nothing: figures of single farms are not published",
            {"fewest": limits.fewest_farms},
        )
    share = own / own.sum()
    if share[0] > limits.one_farm or share[:2].sum() > limits.two_farms:
        return Refusal(
            "PRIVATE-LARGE",
            "withheld: one farm holds over {one} % of it, or two over {two} %",
            "nothing: figures of single farms are not published",
            {"one": round(100 * limits.one_farm), "two": round(100 * limits.two_farms)},
        )
    return None


def shown(
    by_farm: pd.DataFrame,
    figures: Mapping[Hashable, Collection[Hashable]],
    limits: Limits,
    published: Sequence[Collection[Hashable]] = (),
) -> dict[Hashable, Refusal | None]:
    """Which of a publication's figures may be shown together.

    by_farm  (cell) x (farm) what each farm has of each cell [any unit that can be summed]
    figures  the cells that each figure sums up, the most wanted first
    limits   when a figure may be shown [1]
    published  the cells of figures that everybody knows already: of other days, or of the whole region
    returns  for each figure None, or why it is withheld: it tells of a farm itself, or it would let another be found
    source   primary and complementary suppression: Hundepool et al. 2012, chapter 4; the search: ours
    """
    table, place = by_farm.fillna(0.0).to_numpy("float64"), {cell: i for i, cell in enumerate(by_farm.index)}
    rows = {name: _row([place[cell] for cell in cells if cell in place], len(place)) for name, cells in figures.items()}
    verdict = {name: telling(row @ table, limits) for name, row in rows.items()}
    open_ = [name for name, why in verdict.items() if why is None]
    choices = list(_choices(table, limits))
    known: list[Array] = []
    for cells in dict.fromkeys(frozenset(own).intersection(place) for own in published):
        row = _row([place[cell] for cell in cells], len(place))
        if _attack([*known, row], table, limits, choices) is None:  # what tells of a farm already cannot be mended here
            known.append(row)
    while (found := _attack([*known, *(rows[name] for name in open_)], table, limits, choices)) is not None:
        dropped = _least(open_, rows, found, known)
        open_.remove(dropped)
        verdict[dropped] = Refusal(
            "PRIVATE-SUBTRACT",
            "withheld: with the other figures it would show fewer than {fewest} farms, or one large one",
            "nothing: figures of single farms are not published",
            {"fewest": limits.fewest_farms},
        )
    return verdict


def exposed(by_farm: pd.DataFrame, figures: Sequence[Collection[Hashable]], limits: Limits) -> bool:
    """Whether published figures let anybody find one that tells of a farm, by adding and subtracting them.

    by_farm  (cell) x (farm) what each farm has of each cell [any unit]
    figures  the cells that each published figure sums up
    limits   when a figure may be shown [1]
    returns  True or False [-]
    source   rank of the published sums with and without the cells of a few farms: ours
    """
    table, place = by_farm.fillna(0.0).to_numpy("float64"), {cell: i for i, cell in enumerate(by_farm.index)}
    rows = [_row([place[cell] for cell in cells if cell in place], len(place)) for cells in figures]
    choices = list(_choices(table, limits))
    return any(telling(row @ table, limits) for row in rows) or _attack(rows, table, limits, choices) is not None


def _row(cells: Sequence[int], width: int) -> Array:
    row: Array = np.zeros(width)
    row[cells] = 1.0
    return row


def _least(open_: Sequence[Hashable], rows: Mapping[Hashable, Array], found: Array, known: Sequence[Array]) -> Hashable:
    """The least wanted figure without which what was found cannot be found; else the least wanted about it."""
    sums = [name for name in open_ if rows[name].sum() > 1 and (rows[name][found] > 0).any()]
    wide = [*(rows[name] for name in sums), *(row for row in known if row.sum() > 1 and (row[found] > 0).any())]
    near: Array = np.asarray(np.array(wide).any(axis=0)) if wide else found
    for name in reversed(open_):
        if not (rows[name][near] > 0).any():
            continue
        rest = _unknown([*known, *(rows[other] for other in open_ if other != name)])
        if not _within(rest, found):
            return name
    touching = [name for name in open_ if (rows[name][near] > 0).any()]
    return touching[-1] if touching else open_[-1]


def _unknown(rows: Sequence[Array]) -> Array:
    """What the sums say of the cells that are not shown by themselves."""
    if not rows:
        return np.zeros((0, 0))
    whole = np.array(rows)
    single = whole.sum(axis=1) == 1
    rest = whole[~single].copy()
    rest[:, whole[single].any(axis=0)] = 0.0
    out: Array = rest[rest.any(axis=1)]
    return out


def _within(rows: Array, cells: Array) -> bool:
    """Whether some sum of the rows holds nothing but cells of this choice."""
    if not len(rows):
        return False
    touched = rows[:, cells].any(axis=1)
    if not touched.any():
        return False
    return _rank(rows[:, ~cells]) < _rank(rows)


def _rank(rows: Array) -> int:
    """By the smaller of its two products, which hold whole numbers."""
    used = rows[:, rows.any(axis=0)]
    return int(np.linalg.matrix_rank(used @ used.T)) if used.size else 0


def _attack(rows: Sequence[Array], table: Array, limits: Limits, choices: Sequence[Array]) -> Array | None:
    """The cells (as a mask) of a figure that can be found and tells of a farm; None where there is none."""
    whole = _unknown(rows)
    for cells in choices:
        if _within(whole, cells):
            return cells
    for rest in _remainders(whole):
        if telling(rest @ table, limits) is not None:
            mask: Array = np.abs(rest) > _SAME
            return mask
    return None


def _choices(table: Array, limits: Limits) -> Iterator[Array]:
    """Cells that belong to too few farms together, or in which the same farm, or the same two, are too large."""
    has: Array = np.asarray(table > _SAME)
    some: Array = np.asarray(has.any(axis=1))
    small = {frozenset(np.flatnonzero(row).tolist()) for row in has[some] if int(row.sum()) < limits.fewest_farms}
    unions = set(small)
    for one in small:
        more = {one | other for other in unions if len(one | other) < limits.fewest_farms}
        unions |= more if len(unions) < _MOST_UNIONS else set()
    for farms in sorted(unions, key=lambda own: (len(own), sorted(own))):
        outside: Array = np.asarray(np.delete(has, sorted(farms), axis=1).any(axis=1))
        yield some & ~outside
    share = np.divide(table, table.sum(axis=1, keepdims=True), out=np.zeros_like(table), where=some[:, None])
    large: Array = np.asarray(share > limits.one_farm)
    for farm in np.flatnonzero(large.any(axis=0)):
        yield large[:, farm]
    top = np.argsort(-share, axis=1)[:, :2]
    pairs = [tuple(sorted(pair.tolist())) for pair, own in zip(top, share, strict=True) if np.sort(own)[-2:].sum() > limits.two_farms]  # fmt: skip  # noqa: E501
    candidates = sorted({farm for pair in pairs for farm in pair})
    for first, second in combinations(candidates, 2):
        both: Array = share[:, first] + share[:, second] > limits.two_farms
        if both.any():
            yield both


def _remainders(rows: Array) -> Iterator[Array]:
    """What is left when figures are subtracted from each other: rows of the echelon form, in several orders of cells.

    Only remainders of one sign are figures of somebody.
    """
    rng = np.random.default_rng(0)
    width = rows.shape[1] if len(rows) else 0
    orders = [np.arange(width), np.arange(width)[::-1], *(rng.permutation(width) for _ in range(_ORDERS - 2))]
    for order in orders if width else ():
        for row in _echelon(rows[:, order]):
            rest = np.zeros(width)
            rest[order] = row
            if (rest > -_SAME).all() or (rest < _SAME).all():
                yield np.abs(rest)


def _echelon(rows: Array) -> Array:
    """The reduced row echelon form without its empty rows."""
    left, done = rows.astype("float64").copy(), 0
    for column in range(left.shape[1]):
        if done == len(left):
            break
        pivot = done + int(np.argmax(np.abs(left[done:, column])))
        if abs(left[pivot, column]) < _SAME:
            continue
        left[[done, pivot]] = left[[pivot, done]]
        left[done] /= left[done, column]
        others = np.arange(len(left)) != done
        left[others] -= np.outer(left[others, column], left[done])
        done += 1
    return left[:done]
