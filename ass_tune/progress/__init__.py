"""What a person sees while a study runs: a live view on a terminal, plain lines elsewhere."""
