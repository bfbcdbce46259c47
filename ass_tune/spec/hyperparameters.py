"""The kinds of hyperparameters that `tune:` can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from trainables.config import Value

Values = Annotated[tuple[Value, ...], Strict(False)]
"""A YAML list as a tuple; its items keep their types."""


class Part(BaseModel):
    """A part of the file: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Hyperparameter(Part):
    when: dict[str, Values] = Field(
        default={},
        description="Names of factors or other hyperparameters, each with the list of its values for which this "
        "hyperparameter is active",
    )

    def values(self) -> Sequence[Value] | None:
        """All values in order, or None for a continuous range."""
        return None


class Uniform(_Hyperparameter):
    """Any number between two ends."""

    type: Literal["uniform"]
    low: float = Field(description="Lower end, a number")
    high: float = Field(description="Upper end, a number above low")


class LogUniform(_Hyperparameter):
    """Any number between two ends, its logarithm uniform."""

    type: Literal["log_uniform"]
    low: float = Field(description="Lower end, a number above 0")
    high: float = Field(description="Upper end, a number above low")


class Integer(_Hyperparameter):
    """Integers between two ends, both included."""

    type: Literal["int"]
    low: int = Field(description="Lower end, an integer")
    high: int = Field(description="Upper end, an integer above low")
    step: int = Field(default=1, gt=0, description="Distance of two values, an integer above 0 that divides high - low")
    log: bool = Field(default=False, description="Search the logarithm; needs low of at least 1 and step 1")

    def values(self) -> Sequence[Value]:
        """The range, not unfolded."""
        return range(self.low, self.high + 1, self.step)


class Choice(_Hyperparameter):
    """One of some values without an order."""

    type: Literal["choice"]
    values_: Values = Field(alias="values", min_length=1, description="The values to choose from, at least one")

    def values(self) -> Sequence[Value]:
        """The values in file order."""
        return self.values_


class Grid(_Hyperparameter):
    """Values that are all tried; needs `sampler: grid`."""

    type: Literal["grid"]
    values_: Values = Field(alias="values", min_length=1, description="The values to try, at least one")

    def values(self) -> Sequence[Value]:
        """The values in file order."""
        return self.values_


Hyperparameter = Annotated[Uniform | LogUniform | Integer | Choice | Grid, Field(discriminator="type")]
