"""Whether counts and the offset that their item declares belong together: green leaves tell."""

import numpy as np

from agro.domain.errors import BadInput

_FEWEST_PX = 100  # [px] fewer leaves prove nothing. ours
_MOST_NEGATIVE = 0.05  # [1] share of vegetation whose red is below zero. ours: 0 on 61 real looks, else 0.23 and more
_DARKEST = 0.1  # [1] red that the darkest 2 % of vegetation stay below. ours: 0.072 at most on 61 real looks
_VEGETATION = 4  # class of Sentinel-2's scene classification


def check_offset(red: np.ndarray, classes: np.ndarray, where: str) -> bool:
    """Refuse a look whose red reflectance over vegetation is impossible: its offset was applied twice, or never.

    red      (y, x) `reflectance` [1] of the red band; NaN where nothing was measured
    classes  (y, x) scene classes [1] on the same pixels
    returns  whether there were leaves enough to tell [1]
    raises   BadInput where leaves would be darker than nothing, or nowhere as dark as leaves are
    source   ours: measured on real looks of Flanders 2018 with the right offset, with one more and with one less
    """
    leaves = red[(classes == _VEGETATION) & np.isfinite(red)]
    if leaves.size < _FEWEST_PX:
        return False
    negative, dark = float((leaves < 0).mean()), float(np.quantile(leaves, 0.02))
    if negative > _MOST_NEGATIVE:
        raise BadInput(
            "SCENE-OFFSET-TWICE",
            "{where}: red light from {share} % of the vegetation would be negative; the declared offset is in the"
            " counts already",
            "declare offset 0 for the item, or take the collection with corrected items",
            where=where,
            share=round(100 * negative),
        )
    if dark > _DARKEST:
        raise BadInput(
            "SCENE-OFFSET-MISSING",
            "{where}: no vegetation is darker in red than {met}, leaves reflect less; the declared offset lacks -0.1",
            "declare the product's own offset for the item, or take the collection with corrected items",
            where=where,
            met=round(dark, 3),
        )
    return True
