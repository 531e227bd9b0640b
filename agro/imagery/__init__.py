"""Counts to truth: reflectance, and what of it to believe. Pure: same input, same output."""
