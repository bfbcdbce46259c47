"""Intervals, tests and estimates, by seeds and by images."""
