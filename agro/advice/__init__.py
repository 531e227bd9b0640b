"""What to do on the field: doses, routes, upkeep."""
