"""The roof on a clock: a file an occasion, no formula. It carries things between rooms."""
