"""Domain pairs: a source with labels and a target of which few images have labels. Free of torch."""
