"""From satellite passes to agromaps, forecasts, doses and the output indicator of a region."""

__version__ = "0.1.0"
