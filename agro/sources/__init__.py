"""Doors in. Only here, and in the store, is the world touched. Every imagery source finds and reads."""
