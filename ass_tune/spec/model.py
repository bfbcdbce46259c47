"""The search-space file as a pydantic model, from which the JSON Schema for editors is generated."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, Strict
from pydantic_core import PydanticCustomError

from analysis.screened import reports_to_compare
from ass_tune.spec.catalogue import PRUNERS, SAMPLERS, Catalogue
from ass_tune.spec.hyperparameters import Hyperparameter, Part, Values
from trainables.config import TrialConfig, Value
from trainables.extensions import BROKEN, BrokenExtension
from trainables.objective import Objective
from trainables.registry import TRAINABLES

TUNED = "tuned"
"""The level of a factor that leaves the variable to `tune:` in those cells."""

SEARCH_SEEDS = (1000,)
"""Unlike the seeds of tables, which people count from 0 or 1 or choose as 42, 123 or 1234."""

MOST_SEEDS = 100
"""Of a table, where a file says how many."""

AcceleratorType = Literal[
    "V100", "P100", "T4", "P4", "K80", "A10G", "L4", "L40S", "A100", "A100-40G", "A100-80G", "H100", "H200", "H20",
    "B200", "B300", "GB200", "GB300", "RTX-PRO-6000", "AMD-Instinct-MI100", "AMD-Instinct-MI210",
    "AMD-Instinct-MI250X", "AMD-Instinct-MI250X-MI250", "AMD-Instinct-MI300A", "AMD-Instinct-MI300X-OAM",
    "AMD-Instinct-MI300X-HF", "AMD-Instinct-MI308X", "AMD-Instinct-MI325X-OAM", "AMD-Instinct-MI350X-OAM",
    "AMD-Instinct-MI355X-OAM",
]  # fmt: skip
"""Ray's names (`ray.util.accelerators`) of the GPUs that PyTorch calls CUDA devices."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
FixedValue = Value | list[int]
Levels = Annotated[Values, Field(min_length=1)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Strict(False), Field(min_length=1)]
ReportNumbers = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Strict(False), Field(min_length=1)]
LevelOfFactors = Annotated[dict[str, Value], Field(min_length=1)]
"""A level for each of some factors."""


def _known_in(rows: Catalogue[Any]) -> AfterValidator:
    """Refuses a name that the catalogue has no row for, in the words of pydantic's literals, and a broken package."""

    def check(name: str) -> str:
        if name not in rows:
            *first, last = (f"'{known}'" for known in rows)
            expected = f"{', '.join(first)} or {last}"
            raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
        try:
            _ = rows[name]
        except BrokenExtension as broken:
            raise PydanticCustomError(BROKEN, "{reason}", {"reason": str(broken)}) from None
        return name

    return AfterValidator(check)


def _listed_from(rows: Catalogue[Any]) -> Callable[[dict[str, Any]], None]:
    """Adds a catalogue's names with their documentation to the JSON Schema."""

    def extend(schema: dict[str, Any]) -> None:
        schema |= {"enum": list(rows.ours), "enumDescriptions": [row.summary for row in rows.ours.values()]}

    return extend


PrunerName = Annotated[str, _known_in(PRUNERS), Field(json_schema_extra=_listed_from(PRUNERS))]
SamplerName = Annotated[str, _known_in(SAMPLERS), Field(json_schema_extra=_listed_from(SAMPLERS))]


class Search(Part):
    """How hyperparameters are searched inside every cell."""

    sampler: SamplerName = Field(default="tpe", description="Optuna sampler; grid tries every combination of `tune:`")
    trials_per_cell: int | None = Field(
        default=None, ge=1, description="Configurations that every cell tries; by default all points of the grid"
    )
    train_seeds: Seeds = Field(
        default=SEARCH_SEEDS,
        description="Seeds of training for the search alone, none of replicate.seeds. With several, a configuration "
        "that finishes under one is trained under the next, and the mean of the objective on the select split over all "
        "of them chooses. Under `protocol: paper` the first of replicate.seeds searches instead",
    )
    screen: Annotated[int, Field(ge=0)] | ReportNumbers = Field(
        default=0,
        description="Reports that every configuration of a cell gets before any goes on; the best ones go on first. "
        "0 trains each to its end at once. With several numbers, such as [1, 4], the better half after the first goes "
        "on to the second, and so on",
    )
    keep: int | None = Field(
        default=None,
        ge=1,
        description="With screen: how many configurations of a cell, the best ones, go on; the others are pruned. By "
        "default all go on",
    )
    finalists: int | None = Field(
        default=None,
        ge=1,
        description="With several train_seeds: how many configurations of a cell, the best ones under the first seed, "
        "are trained under the others and can be chosen. By default all that finish",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the sampler")
    arguments: dict[str, Value] = Field(default={}, description="Further arguments of the Optuna sampler")

    @property
    def screens(self) -> tuple[int, ...]:
        """The reports after which configurations are compared before any goes on; none where nothing is screened."""
        return reports_to_compare(self.screen)


class Around(Part):
    """The pruner that `patient` waits for."""

    pruner: PrunerName = Field(description="Optuna pruner, but not patient or none")
    arguments: dict[str, Value] = Field(default={}, description="Arguments of the Optuna pruner")


class Prune(Part):
    """Which tuning trials are stopped early, compared with trials of the same cell only."""

    pruner: PrunerName = Field(description="Optuna pruner")
    start: float = Field(default=0.0, ge=0, lt=1, description="Fraction of training before which nothing is pruned")
    startup_trials: int = Field(
        default=1, ge=1, description="Completed trials that a cell must have before any of its trials is judged"
    )
    arguments: dict[str, Value] = Field(default={}, description="Arguments of the Optuna pruner")
    around: Around | None = Field(default=None, description="The pruner that `pruner: patient` waits for")


def _counted(value: Any) -> Any:
    """The seeds that a number of them stands for: those from 0 on."""
    if type(value) is not int:
        return value
    if not 1 <= value <= MOST_SEEDS:
        message = "a number of seeds from 1 to {most}, or a list of seeds"
        raise PydanticCustomError("seeds_count", message, {"most": MOST_SEEDS})
    return tuple(range(value))


class Replicate(Part):
    """Trainings of every cell's chosen configuration; the table is made of them."""

    seeds: Annotated[
        Seeds,
        BeforeValidator(_counted, json_schema_input_type=Seeds | Annotated[int, Field(ge=1, le=MOST_SEEDS)]),
    ] = Field(default=(0,), description="Seeds of training of the table, or how many, from 0 on")
    at_most: int | None = Field(
        default=None, ge=2, le=MOST_SEEDS, description="With until: how many seeds a cell gets at most"
    )
    until: Literal["decided"] | None = Field(
        default=None,
        description="decided: after replicate.seeds, cells get one seed after the other while a comparison of theirs "
        "is undecided and can still be decided. Verdicts are corrected for every look",
    )

    @property
    def table(self) -> tuple[int, ...]:
        """All seeds that the table may have: after the listed ones those that follow the largest of them."""
        further = (self.at_most or 0) - len(self.seeds) if self.until else 0
        first = max(self.seeds) + 1
        return (*self.seeds, *range(first, first + further))


class ComparedPair(Part):
    """Two sides of primary comparisons, one for each combination of the factors that are not named."""

    ours: LevelOfFactors = Field(description="Levels of the cells that may be better")
    theirs: LevelOfFactors = Field(
        description="Levels in which the cells that they are compared with differ; all other factors are equal"
    )


class Compare(Part):
    """The primary comparisons: named before anything is trained, and the only ones that get a verdict."""

    pairs: Annotated[tuple[ComparedPair, ...], Strict(False), Field(min_length=1)] | None = Field(
        default=None, description="Which cells are compared; by default every cell with its baseline"
    )
    smallest_difference: float = Field(
        default=1.0, gt=0, le=100, description="Smallest difference of interest, in points of the objective"
    )


class Train(Part):
    """The length of every trial."""

    iterations: int = Field(gt=0, description="Training iterations of every trial")
    evaluate_every: int = Field(gt=0, description="Iterations between two evaluations; divides iterations")

    @property
    def reports(self) -> range:
        """Iterations at which a trial is evaluated."""
        return range(self.evaluate_every, self.iterations + 1, self.evaluate_every)


class Resources(Part):
    """What one trial occupies; decides how many run at once."""

    cpu: float = Field(default=1, gt=0, description="CPU cores")
    gpu: float = Field(default=0, ge=0, description="GPUs, also a fraction of one")
    accelerator_type: AcceleratorType | None = Field(default=None, description="Type of GPU that a trial needs")
    custom: dict[str, Annotated[float, Field(gt=0)]] = Field(default={}, description="Custom resources of the cluster")


class FaultLimits(Part):
    """How often a trial that cannot go on is tried again, and when a silent one counts as hung."""

    tries: int = Field(
        default=3,
        ge=1,
        description="Tries in a row of a trial that is out of memory, hung or lost, without a new report or checkpoint",
    )
    starts: int = Field(
        default=3, ge=1, description="Runs of the study that start a trial which fails; after that it stays failed"
    )
    hung_after: float = Field(
        default=20.0, gt=1, description="Multiple of a report's expected time after which a silent trial is tried again"
    )
    hung_after_seconds: float = Field(default=300.0, gt=0, description="Silence in seconds that every trial may keep")


class KeptCheckpoints(Part):
    """Which checkpoints are kept after their trials have ended. The networks of finished trials always are."""

    keep_pruned: bool = Field(default=False, description="Keep the last checkpoint of every pruned trial")


def _prune_mapping(value: Any) -> Any:
    if value == "none":
        return {"pruner": "none"}
    if not isinstance(value, dict | Prune):
        raise PydanticCustomError("prune_type", "a mapping with pruner, or none")
    return value


class StudySpec(Part):
    """A study: everything that one search-space file asks for, with its base and overrides merged."""

    extends: str | None = Field(default=None, description="Base file, relative to this one; this file is laid on it")
    study: Name = Field(description="Name of the study: letters, digits, '.', '_' and '-'")
    trainable: str = Field(description="What is trained", json_schema_extra={"examples": list(TRAINABLES.ours)})
    domains: str = Field(
        description="Pair of source and target data sets: a name, or a pair file (.yaml), relative to this file"
    )
    profile: str = Field(description="Named set of defaults of the trainable")
    protocol: Literal["split", "paper"] = Field(
        default="split",
        description="split: configurations are chosen on other images than the table reports; paper: on the same",
    )
    baseline: dict[str, Value] = Field(
        default={}, description="Levels of some factors that gains are measured against, the other factors being equal"
    )
    compare: Compare = Field(default=Compare(), description="Primary comparisons, smallest difference of interest")
    control: dict[str, Value] = Field(
        default={},
        description="Levels of some factors that a gain must also beat to be credited to the method, e.g. {lr_sd: 0}, "
        "a semantic discriminator that never learns",
    )
    ablate: dict[str, Levels] = Field(
        default={},
        description="Factors, each with its levels; every combination is a cell of the table, unless `design` says "
        f"otherwise. The level `{TUNED}` leaves the variable to `tune:`",
    )
    design: Literal["product", "one_at_a_time", "leave_one_out"] = Field(
        default="product",
        description="Which combinations are cells. product: all; one_at_a_time: the baseline, and every other level "
        "alone with the others at the baseline's; leave_one_out: the whole method, which has the other one of two "
        "levels in each factor of the baseline, and it with one of them as in the baseline. Factors that the baseline "
        "does not name are combined with all of these",
    )
    tune: dict[str, Hyperparameter] = Field(default={}, description="Hyperparameters, tuned inside every cell")
    fixed: dict[str, FixedValue] = Field(default={}, description="Values that differ from the profile in every trial")
    search: Search = Field(default=Search(), description="Sampler and tuning budget")
    prune: Annotated[Prune, BeforeValidator(_prune_mapping, json_schema_input_type=Prune | Literal["none"])] = Field(
        default=Prune(pruner="none"), description="Pruner with its arguments, or none"
    )
    replicate: Replicate = Field(default=Replicate(), description="Seeds of the table")
    train: Train = Field(description="Length of every trial")
    resources: Resources = Field(default=Resources(), description="What one trial occupies")
    faults: FaultLimits = Field(default=FaultLimits(), description="What happens to trials that cannot go on")
    trackers: tuple[str, ...] = Field(
        default=(), strict=False, description="Further records of the study, kept by trackers of installed packages"
    )
    checkpoints: KeptCheckpoints = Field(default=KeptCheckpoints(), description="Which checkpoints are kept")
    _file: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """The file that it was loaded from; None for a study that was made in Python."""
        return self._file

    @property
    def train_seeds(self) -> tuple[int, ...]:
        """Seeds that search. Under `protocol: paper` it is the first one of the table."""
        return self.replicate.seeds[:1] if self.protocol == "paper" else self.search.train_seeds

    @property
    def judged(self) -> range:
        """Iterations at which a tuning trial may be pruned."""
        reports = self.train.reports
        return reports[bisect_left(reports, self.prune.start * self.train.iterations) : -1]

    @property
    def screened_at(self) -> tuple[int, ...]:
        """Iterations at which the configurations of a cell wait for each other; none where nothing is screened."""
        return tuple(reports * self.train.evaluate_every for reports in self.search.screens)

    @property
    def config_class(self) -> type[TrialConfig]:
        """The pydantic model of the trials of this study. Raises BrokenExtension."""
        return TRAINABLES[self.trainable].config.extended(self.named)

    @property
    def named(self) -> dict[str, Collection[Value]]:
        """By variable, the values that the file names one by one."""
        tuned = {name: domain.values() or () for name, domain in self.tune.items()}
        fixed = {name: (value,) for name, value in self.fixed.items() if not isinstance(value, list)}
        return {**tuned, **fixed, **self.ablate}

    @property
    def objective(self) -> Objective:
        """What the trials are judged by."""
        return self.config_class.objective

    @property
    def reserved(self) -> Mapping[str, Any]:
        """The fields of a trial's configuration that the study decides, all but the seed."""
        return {
            "domains": self.domains,
            "profile": self.profile,
            "protocol": self.protocol,
            "iterations": self.train.iterations,
            "evaluate_every": self.train.evaluate_every,
        }
