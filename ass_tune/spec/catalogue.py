"""The samplers and pruners that a file can name: one row each, with all that this project knows about it.

A row names Optuna's class without importing it, since planning and checking a file do without Optuna. To add a pruner
or a sampler, add a row. Left out of `arguments` is what is a Python object, what Optuna has deprecated, and what the
file says elsewhere (`ELSEWHERE`); a test compares the rows with the signatures of the installed Optuna.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from trainables.extensions import BrokenExtension, extensions

_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_Candidates = Annotated[int, Field(ge=1, le=10_000)]
_Population = Annotated[int, Field(ge=2, le=10_000)]
_Factor = Annotated[int, Field(ge=2)]
_Fraction = Annotated[float, Field(ge=0, le=1)]
_Percent = Annotated[float, Field(ge=0, le=100)]
_Resource = _Positive | Literal["auto"]

Arguments = Mapping[str, Any]
"""Name of an argument -> its type, or its value."""

ELSEWHERE = {
    "seed": "search.seed",
    "n_warmup_steps": "prune.start",
    "wrapped_pruner": "prune.around",
    "search_space": "tune",
}
"""Arguments that the file says under a name of its own."""


@dataclass(frozen=True)
class Row:
    """What samplers and pruners have in common."""

    path: str
    """`module:Class` of Optuna's or a compatible class."""
    summary: str
    """One line of documentation, which editors show."""
    arguments: Arguments = field(default_factory=dict)
    """Arguments that a file may set, with their types."""

    @property
    def optuna_class(self) -> Callable[..., Any]:
        """The class; importing it imports Optuna."""
        module, name = self.path.split(":")
        return getattr(import_module(module), name)


def _no_defaults(_: Arguments) -> Arguments:
    return {}


@dataclass(frozen=True)
class SamplerRow(Row):
    """One sampler."""

    defaults: Callable[[Arguments], Arguments] = _no_defaults
    """Our defaults where they differ from Optuna's, given the file's arguments."""
    excluded: tuple[Arguments, ...] = ()
    """Values of arguments that cannot be set together."""
    one_sequence: bool = False
    """Whether its points are one sequence per cell. Other samplers are seeded anew for every suggestion."""
    needs_order: bool = False
    """Whether it cannot search `type: choice`, whose values have no order."""
    most_integers: int | None = None
    """How many values an integer range may have; None where it does not matter."""
    package: str | None = None
    """A package that it needs beyond this project's dependencies."""
    unpickles: bool = False
    """Whether it keeps a pickled object in the ledger, so that whoever can write there can run code here."""


@dataclass(frozen=True)
class PrunerRow(Row):
    """One pruner."""

    required: tuple[str, ...] = ()
    """Arguments that the file must set."""
    one_of: tuple[str, ...] = ()
    """Arguments of which the file must set at least one."""
    from_file: Mapping[str, str] = field(default_factory=dict)
    """Arguments that other fields of the file give unless it sets them here: name -> dotted field."""
    expected_share: Callable[[Arguments], float] = lambda _: 0.0
    """Share of the judged trials that it stops if all trials are alike; 0 where that cannot be said."""
    wraps: bool = False
    """Whether it waits for another pruner, `around:`."""


R = TypeVar("R", bound=Row)


class Catalogue(Mapping[str, R]):
    """Rows by name: ours, then those of installed packages, which are imported when they are looked at.

    A package cannot take the place of one of ours.
    """

    def __init__(self, group: str, kind: type[R], ours: Mapping[str, R]) -> None:
        self.ours = dict(ours)
        self._group, self._kind = group, kind

    def __getitem__(self, name: str) -> R:
        """A row. Raises KeyError for an unknown name, and BrokenExtension."""
        if name in self.ours:
            return self.ours[name]
        extension = extensions(self._group)[name]
        found = extension.load()
        if not isinstance(found, self._kind):
            raise extension.wanted(found)
        return found

    def usable(self, name: str) -> R | None:
        """A row; None for an unknown name and for a package that is broken."""
        try:
            return self[name]
        except (KeyError, BrokenExtension):
            return None

    def __contains__(self, name: object) -> bool:
        return name in self.ours or name in extensions(self._group)

    def __iter__(self) -> Iterator[str]:
        yield from self.ours
        yield from (name for name in extensions(self._group) if name not in self.ours)

    def __len__(self) -> int:
        return sum(1 for _ in self)


_SAMPLERS: dict[str, SamplerRow] = {
    "tpe": SamplerRow(
        "optuna.samplers:TPESampler",
        "Tree-structured Parzen estimator: a model of where good configurations lie; a sound default.",
        {
            "prior_weight": Annotated[float, Field(gt=0)],
            "n_startup_trials": _Count,
            "n_ei_candidates": _Candidates,
            "multivariate": bool,
            "group": bool,
            "warn_independent_sampling": bool,
            "constant_liar": bool,
        },
        # a space with conditions is a union of flat ones, and `group` models each of them as a whole
        defaults=lambda given: {"multivariate": True, "group": given.get("multivariate", True)},
        excluded=({"group": True, "multivariate": False},),
    ),
    "gp": SamplerRow(
        "optuna.samplers:GPSampler",
        "Gaussian process: for few, expensive trials and few hyperparameters.",
        {"n_startup_trials": _Count, "deterministic_objective": bool, "warn_independent_sampling": bool},
        defaults=lambda _: {"warn_independent_sampling": False},
        most_integers=100_000,  # it holds every value of a range in memory
    ),
    "cmaes": SamplerRow(
        "optuna.samplers:CmaEsSampler",
        "CMA-ES: an evolution strategy for numbers, with budgets of hundreds of trials.",
        {
            "sigma0": Annotated[float, Field(gt=0)],
            "n_startup_trials": _Count,
            "warn_independent_sampling": bool,
            "consider_pruned_trials": bool,
            "popsize": _Population,
            "use_separable_cma": bool,
            "with_margin": bool,
            "lr_adapt": bool,
        },
        defaults=lambda _: {"warn_independent_sampling": False},
        excluded=(
            {"lr_adapt": True, "with_margin": True},
            {"lr_adapt": True, "use_separable_cma": True},
            {"with_margin": True, "use_separable_cma": True},
        ),
        needs_order=True,
        package="cmaes",
        unpickles=True,
    ),
    "random": SamplerRow("optuna.samplers:RandomSampler", "Independent random points."),
    "qmc": SamplerRow(
        "optuna.samplers:QMCSampler",
        "Quasi-Monte Carlo: points that cover the space more evenly than random ones.",
        {
            "qmc_type": Literal["sobol", "halton"],
            "scramble": bool,
            "warn_asynchronous_seeding": bool,
            "warn_independent_sampling": bool,
        },
        defaults=lambda _: {"scramble": True, "warn_independent_sampling": False},
        one_sequence=True,
    ),
    # the points of a grid are enumerated and enqueued, so Optuna's sampler has nothing left to choose
    "grid": SamplerRow("optuna.samplers:RandomSampler", "Every combination of the values under `tune:`."),
}

_PRUNERS: dict[str, PrunerRow] = {
    "median": PrunerRow(
        "optuna.pruners:MedianPruner",
        "Stops a trial whose best report so far is below the median of earlier trials at that iteration.",
        {"interval_steps": _Positive, "n_min_trials": _Positive},
        from_file={"n_startup_trials": "prune.startup_trials"},
        expected_share=lambda _: 0.5,
    ),
    "percentile": PrunerRow(
        "optuna.pruners:PercentilePruner",
        "Like median, with another percentile: 25 keeps the best quarter.",
        {"percentile": _Percent, "interval_steps": _Positive, "n_min_trials": _Positive},
        required=("percentile",),
        from_file={"n_startup_trials": "prune.startup_trials"},
        expected_share=lambda given: 1 - given.get("percentile", 50.0) / 100,
    ),
    "successive_halving": PrunerRow(
        "optuna.pruners:SuccessiveHalvingPruner",
        "Asynchronous successive halving: at each rung only the best 1/reduction_factor of the trials goes on.",
        {
            "min_resource": _Resource,
            "reduction_factor": _Factor,
            "min_early_stopping_rate": _Count,
            "bootstrap_count": _Count,
        },
        from_file={"min_resource": "train.evaluate_every"},
        expected_share=lambda given: 1 - 1 / given.get("reduction_factor", 4),
    ),
    "hyperband": PrunerRow(
        "optuna.pruners:HyperbandPruner",
        "Several successive halvings side by side, some of which stop trials later than others.",
        {
            "min_resource": _Positive,
            "max_resource": _Resource,
            "reduction_factor": _Factor,
            "bootstrap_count": _Count,
        },
        from_file={"min_resource": "train.evaluate_every", "max_resource": "train.iterations"},
        expected_share=lambda given: 1 - 1 / given.get("reduction_factor", 3),
    ),
    "patient": PrunerRow(
        "optuna.pruners:PatientPruner",
        "Lets another pruner decide only once a trial has not improved for `patience` reports.",
        {"patience": _Count, "min_delta": Annotated[float, Field(ge=0)]},
        required=("patience",),
        wraps=True,
    ),
    "threshold": PrunerRow(
        "optuna.pruners:ThresholdPruner",
        "Stops a trial that reports less than `lower` or more than `upper`.",
        {"lower": float, "upper": float, "interval_steps": _Positive},
        one_of=("lower", "upper"),
    ),
    "none": PrunerRow("optuna.pruners:NopPruner", "Stops no trial."),
}

SAMPLERS = Catalogue("ass_tune.samplers", SamplerRow, _SAMPLERS)
PRUNERS = Catalogue("ass_tune.pruners", PrunerRow, _PRUNERS)
