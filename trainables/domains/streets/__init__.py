"""Streets: a generated pair of domains, with no download."""
