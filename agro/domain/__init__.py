"""The nouns that all rooms share. No work is done here, and nothing of ours is imported."""
