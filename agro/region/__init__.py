"""Fields to district to Kuzbass."""
