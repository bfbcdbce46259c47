"""A study of a method, its baseline and its control, whose gains are known."""

from __future__ import annotations

from analysis.study import Study
from tests.support.synthetic import Made, made_study

GA, CSA, UNTRAINED = "adaptor=ga,lr_sd=tuned", "adaptor=ga+csa,lr_sd=tuned", "adaptor=ga+csa,lr_sd=0"
CELLS = {
    GA: {"adaptor": "ga", "lr_sd": "tuned"},
    CSA: {"adaptor": "ga+csa", "lr_sd": "tuned"},
    UNTRAINED: {"adaptor": "ga+csa", "lr_sd": "0"},
}
NOISE = (0.3, -0.2, 0.1, -0.4, 0.2)


def controlled(gain: float, of_control: float, seeds: int = 5, difference: float = 1.0) -> Study:
    """A method with a control, whose gains over the baseline are known to about 0.2 points."""
    means = {GA: 30.0, CSA: 30.0 + gain, UNTRAINED: 30.0 + of_control}
    trials = [
        Made(
            CELLS[cell],
            {name: {100: mean + seed + NOISE[(seed + 2 * place) % 5]} for name in ("select/miou", "report/miou")},
            stage="replicate",
            seed=seed,
            number=seed,
        )
        for place, (cell, mean) in enumerate(means.items())
        for seed in range(seeds)
    ]
    ablate = {"adaptor": ["ga", "ga+csa"], "lr_sd": ["tuned", "0"]}
    return made_study(
        ablate,
        {},
        trials,
        seeds=range(seeds),
        baseline={"adaptor": "ga"},
        comparisons=[(CSA, GA, UNTRAINED)],
        control={"lr_sd": "0"},
        difference=difference,
    )
