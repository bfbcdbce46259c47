"""Synthetic learning curves: what a study measures when a trial costs nothing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from trainables.config import TrialConfig, Value
from trainables.domains.sampling import stream

CLASSES = ("road", "car")


class CurvesConfig(TrialConfig):
    """A curve mIoU(iteration) that rises to an asymptote; its parameters have the names of the method's."""

    adaptor: Literal["joint", "ga", "ga+csa"] = "joint"
    labeled_images: int = Field(default=20, ge=0)
    lambda_sadv: float = Field(default=1.0, ge=0)
    """The asymptote falls with the squared distance of log10(lambda_sadv) from the adaptor's optimum."""
    lr: float = Field(default=0.03, gt=0)
    """Decides how fast the curve rises."""
    noise: float = Field(default=0.5, ge=0)
    """Standard deviation over seeds and over reports, in mIoU points."""
    seconds_per_report: float = Field(default=0.0, ge=0)
    fail_at: int | None = Field(default=None, ge=0)
    """Raise at this iteration, as a bug would."""
    diverge_at: int | None = Field(default=None, ge=0)
    """Report a loss that is not finite at this iteration."""
    lose_at: int | None = Field(default=None, ge=0)
    """Kill the trial's process at this iteration, as preemption would."""
    exhaust_at: int | None = Field(default=None, ge=0)
    """Run out of memory at this iteration."""
    hang_at: int | None = Field(default=None, ge=0)
    """Never come back from this iteration."""
    unlucky_tries: int = Field(default=1, ge=0)
    """How many tries of a trial lose their process, run out of memory or hang; the one after them does not."""

    @classmethod
    def profiles(cls) -> Mapping[str, Mapping[str, Value | tuple[int, ...]]]:
        """One profile: the curves as they are."""
        return {"synthetic": {}}

    @classmethod
    def domain_pairs(cls) -> tuple[str, ...]:
        """One name that stands for no data."""
        return ("synthetic",)

    @classmethod
    def code_version(cls) -> str:
        """Hash of this file."""
        return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """As in the method: semantic-level adaptation needs labeled target images."""
        if values.get("adaptor") == "ga+csa" and values.get("labeled_images") == 0:
            return "adaptor ga+csa needs labeled target images and labeled_images is 0"
        return None

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """lambda_sadv does nothing without a semantic adaptor."""
        return frozenset({"lambda_sadv"}) if values.get("adaptor", "ga+csa") != "ga+csa" else frozenset()


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
