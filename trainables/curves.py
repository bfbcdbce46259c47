"""Synthetic learning curves: what a study measures when a trial costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from trainables.config import TrialConfig, Value
from trainables.snapshots import Snapshot
from trainables.version import code_hash

DECIDES = (
    "trainables.learning_curve",
    "trainables.curves_trainable",
    "trainables.snapshots",
    "trainables.domains.sampling",
)
"""Modules that decide an outcome; the values of a configuration are part of a trial's key anyway."""


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
    snapshot: Snapshot = "last"
    """Which evaluation is reported and chosen by: the last, or the best one on the select split."""
    seconds_per_report: float = Field(default=0.0, ge=0)
    further_metrics: int = Field(default=0, ge=0)
    """How many metrics a report has besides, as the IoUs of many classes would be."""
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
    def code_version(cls, domains: str) -> str:
        """Hash of the code that computes a curve; there is no data that could have a part in it."""
        return code_hash(DECIDES)

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
