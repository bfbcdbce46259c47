"""How discriminators fared: whether they tell the domains apart, always win, or collapsed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.study import Study

ACCURACIES = {"D_g": "discriminator/gd_accuracy", "D_s": "discriminator/sd_accuracy"}
"""Share of what the discriminator judged that it put into the right domain, a mean of both domains."""
CHANCE = 0.5
NEAR_CHANCE = 0.05
"""So near to chance it gives no direction: the domains look alike to it, or it learns nothing."""
WINS = 0.95
"""Above, its loss is flat: the network gets next to no gradient (Goodfellow et al., 2014)."""
COLLAPSED = 0.995


def health(study: Study) -> pd.DataFrame:
    """One row per trial and discriminator: run, cell, discriminator, accuracy (last third), flag; only those that ran.

    Flags: `at chance` in the end, `never learned` (at chance all along), `wins`, `collapsed` (all right or all wrong
    to the end), or nothing.
    """
    cells = dict(zip(study.frame["run"], study.frame["cell"], strict=True))
    rows = []
    for name, metric in ACCURACIES.items():
        for run, curve in study.metric(metric).groupby("run", sort=False)["value"]:
            values = curve.tolist()
            last = values[-max(1, len(values) // 3) :]
            line = {"run": run, "cell": cells.get(str(run)), "discriminator": name, "accuracy": float(np.mean(last))}
            rows.append({**line, "flag": flag_of(values, last)})
    return pd.DataFrame(rows, columns=["run", "cell", "discriminator", "accuracy", "flag"])


def flag_of(accuracies: Sequence[float], last: Sequence[float]) -> str:
    """What is wrong with a curve of accuracies, or an empty text; `last` is its end."""
    mean = float(np.mean(last))
    if min(last) >= COLLAPSED or max(last) <= 1 - COLLAPSED:
        return "collapsed"
    if mean > WINS:
        return "wins"
    if max(abs(value - CHANCE) for value in accuracies) < NEAR_CHANCE:
        return "never learned"
    return "at chance" if abs(mean - CHANCE) < NEAR_CHANCE else ""


def summary(study: Study) -> pd.DataFrame:
    """One row per cell and discriminator: median, lowest and highest accuracy of its trials, and their flags."""
    found = health(study)
    rows = []
    for place, group in found.groupby(["cell", "discriminator"], sort=False):
        flags = group.query("flag != ''").groupby("flag").size()
        rows.append(
            {
                **dict(zip(("cell", "discriminator"), list(place), strict=True)),  # pyright: ignore
                "trials": len(group),
                "median": group["accuracy"].median(),
                "lowest": group["accuracy"].min(),
                "highest": group["accuracy"].max(),
                "flags": ", ".join(f"{n} {flag}" for flag, n in flags.items()) or "none",
            }
        )
    return pd.DataFrame(rows)
