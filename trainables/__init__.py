"""Units that Ray can run; this package imports no torch until a trial starts."""
