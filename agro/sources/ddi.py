"""What a number of ISO 11783-11 means: its quantity, and how many of the unit one step is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """The English name of a data dictionary identifier (DDI), the unit used here, and one step in that unit."""

    name: str
    unit: str
    step: float


# source: ISO 11783-11 online data base, export of 2025-01-21
DDI: dict[int, Quantity] = {
    0x0001: Quantity("setpoint volume per area", "l/ha", 1e-4),
    0x0002: Quantity("actual volume per area", "l/ha", 1e-4),
    0x0006: Quantity("setpoint mass per area", "kg/ha", 0.01),
    0x0007: Quantity("actual mass per area", "kg/ha", 0.01),
    0x000B: Quantity("setpoint count per area", "1/m2", 1e-3),
    0x000C: Quantity("actual count per area", "1/m2", 1e-3),
    0x0043: Quantity("actual working width", "m", 1e-3),
    0x0046: Quantity("maximum working width", "m", 1e-3),
    0x0050: Quantity("volume total", "l", 1.0),
    0x0051: Quantity("mass total", "kg", 1.0),
    0x0054: Quantity("yield mass per area", "kg/ha", 0.01),
    0x005A: Quantity("yield mass total", "kg", 1.0),
    0x0063: Quantity("crop moisture", "1", 1e-6),
    0x0074: Quantity("area total", "m2", 1.0),
    0x0075: Quantity("effective total distance", "m", 1e-3),
    0x0077: Quantity("effective total time", "s", 1.0),
    0x0086: Quantity("device element offset x", "m", 1e-3),
    0x0087: Quantity("device element offset y", "m", 1e-3),
    0x008D: Quantity("actual work state", "", 1.0),
    0x0094: Quantity("fuel total", "l", 1e-3),
    0x0095: Quantity("fuel rate", "l/h", 3.6e-3),
    0x00A1: Quantity("actual condensed work state, sections 1 to 16", "", 1.0),
    0x0106: Quantity("average crop moisture", "1", 1e-6),
    0x018D: Quantity("actual speed", "m/s", 1e-3),
}


def quantity(ddi: int) -> Quantity:
    """What a DDI means; one that is not known counts its own steps."""
    return DDI.get(ddi) or Quantity(f"DDI {ddi:04X}", f"DDI {ddi:04X}", 1.0)
