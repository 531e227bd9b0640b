"""The second world's light: two streams in a turbid canopy over soil, in place of leaf, straw and soil side by side.

Source: form of Goudriaan 1977 and Goudriaan and van Laar 1994 (canopy reflectance of scattering leaves over a soil),
leaves of pigments and water in the manner of PROSPECT (Jacquemoud and Baret 1990). All coefficients are rounded to the
wavelengths of the bands from general knowledge: an assumption.
"""

import numpy as np

from agro.twin.light import BANDS, Cover

_CHLOROPHYLL = (2.40, 1.15, 2.40, 1.00, 0.20, 0.03, 0.0, 0.0, 0.0, 0.0)  # [1] absorption of a well fed leaf, by band
_WATER = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.02, 0.42, 1.30)
_MATTER = (0.12, 0.10, 0.08, 0.07, 0.05, 0.04, 0.03, 0.03, 0.12, 0.20)
_BROWN = (1.90, 1.25, 0.85, 0.65, 0.52, 0.42, 0.34, 0.30, 0.16, 0.32)  # dead leaves, dry
_SCATTER = 0.97  # [1] of light that a leaf without pigment sends on
_SOIL_SLOPE = (0.080, 0.115, 0.155, 0.170, 0.180, 0.192, 0.205, 0.212, 0.295, 0.265)  # dry, of brightness 0.72
_WET_DARKENING = (0.75, 0.75, 0.72, 0.72, 0.70, 0.68, 0.66, 0.66, 0.95, 1.15)  # [1] exponent from dry to wet
_LEAF_ANGLE = 0.5  # [1] projection of leaves of any direction
_CLUMPING = 0.88  # [1] crops stand in rows
_PETALS = (0.05, 0.24, 0.22, 0.28, 0.36, 0.40, 0.42, 0.43, 0.25, 0.12)


def mixed(cover: Cover, sun_zenith_deg: float) -> dict[str, np.ndarray]:
    """Surface reflectance [1] of each band, without an error."""
    sun = np.cos(np.radians(sun_zenith_deg))
    black = _LEAF_ANGLE * (1 / sun + 1.0) / 2  # extinction by black leaves, from the sun and to the view
    all_leaves = cover.lai + cover.dead_lai
    green = np.divide(cover.lai, all_leaves, out=np.zeros_like(all_leaves), where=all_leaves > 0)
    pigment = np.clip(0.25 + 0.8 * cover.nni, 0.3, 1.15)
    reflectance = {}
    for i, band in enumerate(BANDS):
        fresh = _SCATTER * np.exp(-_CHLOROPHYLL[i] * pigment - _WATER[i] * (0.7 + 0.3 * cover.root_water) - _MATTER[i])
        scatter = green * fresh + (1 - green) * _SCATTER * np.exp(-_BROWN[i])
        through = np.sqrt(1 - scatter)
        deep = (1 - through) / (1 + through) * 2 * black / (1 + black)
        soil = _SOIL_SLOPE[i] * cover.brightness / 0.72 * np.exp(-_WET_DARKENING[i] * cover.wetness)
        faded = (soil - deep) / (1 - deep * soil) * np.exp(-2 * _CLUMPING * black * through * all_leaves)
        whole = (deep + faded) / (1 + deep * faded) * (1 - 0.22 * cover.woody)
        reflectance[band] = whole * (1 - cover.bloom) + _PETALS[i] * cover.bloom
    return reflectance
