"""Truth to agromaps: what is there, pixel by pixel and field by field. Pure: same input, same output."""
