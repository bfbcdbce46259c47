"""The synthetic learning curves themselves: mIoU as a function of the configuration and the iteration."""

from __future__ import annotations

import math

from trainables.curves import CurvesConfig
from trainables.domains.sampling import stream

CLASSES = ("road", "car")


def curve(config: CurvesConfig, iteration: int) -> float:
    """Noise-free mIoU in percent at an iteration, for tests to compare with."""
    gain = {"joint": 0.0, "ga": 1.0, "ga+csa": 3.0}[config.adaptor]
    if config.adaptor == "ga+csa":
        gain -= 2.0 * math.log10(max(config.lambda_sadv, 1e-6) / 1.0) ** 2
    asymptote = 30.0 + 5.0 * math.log1p(config.labeled_images) / math.log(10) + gain
    return asymptote * (1.0 - math.exp(-iteration / config.iterations * 100.0 * config.lr))


def measured(config: CurvesConfig, split: str, iteration: int) -> float:
    """mIoU in percent with the noise of a seed and of a report; a pure function of its arguments."""
    of_seed = stream(config.seed, f"curves/{config.labeled_images}").normal()
    of_report = stream(
        config.seed, f"curves/{split}/{config.adaptor}/{config.lambda_sadv}/{config.lr}", iteration
    ).normal()
    return curve(config, iteration) + config.noise * (float(of_seed) + 0.5 * float(of_report))
