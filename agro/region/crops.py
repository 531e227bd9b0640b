"""Hectares of each crop, district by district, from what was told of fields and how often that proved right."""

from __future__ import annotations

import pandas as pd

from agro.region.areas import adjusted_areas

NOT_TOLD = "not told"
_FEWEST = 2  # [1] checked fields of a class, as `adjusted_areas` needs them


def crop_areas(told: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """The area of each crop among fields whose crop nobody declared, with its error.

    told      a row a field: `district` [-], `crop` (None: not told), `area_ha` [ha]
    left_out  a row a field with a declared crop: `told` (None: not told), `observed` [-], `area_ha` [ha], `group` (its
              farm), as the model told it without knowing the farm
    returns   a row a district and crop: `mapped_ha`, `area_ha`, `se_ha`, `low_90_ha`, `high_90_ha` [ha];
              the crop `not told` keeps hectares of
              which nothing was checked
    source    Olofsson 2014, by `adjusted_areas`; that fields nobody declared are mistaken for one another as the
              declared are: an assumption; fields of one farm err together
    """
    checked = pd.DataFrame(
        {
            "mapped": left_out["told"].fillna(NOT_TOLD),
            "observed": left_out["observed"],
            "weight": left_out["area_ha"],
            "cluster": left_out["group"],
        }
    )
    many = checked["mapped"].value_counts()
    enough = set(many[many >= _FEWEST].index)
    crop = told["crop"].fillna(NOT_TOLD)
    crop = crop.where(crop.isin(enough), NOT_TOLD)
    parts = []
    for district, own in told.assign(crop=crop).groupby("district", sort=True):
        mapped = {str(name): float(area) for name, area in own.groupby("crop")["area_ha"].sum().items()}
        unchecked = mapped.pop(NOT_TOLD, 0.0) if NOT_TOLD not in enough else 0.0
        squares = (own["area_ha"] ** 2).groupby(own["crop"]).sum().to_dict()
        table = adjusted_areas(checked, mapped, squares) if mapped else pd.DataFrame()
        if unchecked:
            lost = pd.DataFrame({"class": [NOT_TOLD], "mapped_ha": [unchecked], "area_ha": [unchecked]})
            table = pd.concat([table, lost], ignore_index=True)
        parts.append(table.assign(district=district))
    columns = ["district", "crop", "mapped_ha", "area_ha", "se_ha", "low_90_ha", "high_90_ha"]
    if not parts:
        return pd.DataFrame(columns=columns)
    whole = pd.concat(parts, ignore_index=True).rename(columns={"class": "crop"}).reindex(columns=columns)
    return whole[(whole["area_ha"] > 0) | (whole["mapped_ha"] > 0)].reset_index(drop=True)
