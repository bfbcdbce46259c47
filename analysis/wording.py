"""How numbers are written in sentences and tables: signs, spreads, intervals, p-values, and counts of things."""

from __future__ import annotations


def signed(value: float) -> str:
    """With its sign and one decimal, e.g. `+1.2`; what rounds to zero is `+0.0`, never `-0.0`."""
    return f"{round(value, 1) + 0.0:+.1f}"


def plus_minus(mean: float, spread: float, sign: str = "") -> str:
    """E.g. `+1.2 ± 0.3`; without a spread where it is NaN."""
    return f"{round(mean, 1) + 0.0:{sign}.1f}" + ("" if spread != spread else f" ± {spread:.1f}")


def interval(low: float, high: float) -> str:
    """E.g. `+0.1 to +1.9`."""
    return f"{signed(low)} to {signed(high)}"


def p_text(p: float) -> str:
    """A p-value with two digits; empty for NaN."""
    return "" if p != p else "< 0.001" if p < 0.001 else f"{p:.2g}"


def count(number: int, noun: str) -> str:
    """E.g. `1 seed`, `3 seeds`; only for nouns whose plural ends in s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def above_or_below(difference: float) -> str:
    """E.g. `1.3 points above`, `0.4 points below`; of what rounds to zero, `0.0 points above or below`."""
    rounded = round(difference, 1) + 0.0
    return f"{abs(rounded):.1f} points {'above' if rounded > 0 else 'below' if rounded < 0 else 'above or below'}"
