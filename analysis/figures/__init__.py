"""The figures of a study, one a file; each takes a study and gives a matplotlib figure."""
