"""Doors out: what is published, whole or absent, never overwritten. `publish` says how a result comes to exist."""
