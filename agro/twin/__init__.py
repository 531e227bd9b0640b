"""A simulated region: the raw files that a user would have, and the truth in a file apart.

Nothing but the roofs imports it.

Its physics is not the inverse of what the pipeline computes: leaves grow from light, warmth and water, reflectance is
mixed from leaf, straw and soil, and clouds throw shadows. A second world on the same land, weather and care grows and
reflects in another way (`agro.twin.worlds`): a method that is good in the first only is tuned to it.
"""

VERSION = 5  # raise it when the same seed gives another region
