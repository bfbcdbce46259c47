"""What runs next: cells, samplers, pruners, and the director that drives them."""
