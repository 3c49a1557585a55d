"""How fast the suite is, beside references measured in the same run."""
