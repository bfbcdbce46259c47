"""Arguments of Optuna 5's samplers and pruners that a file may set, so that checking a file imports no Optuna.

A test compares the tables with Optuna's signatures. Left out are arguments that are Python objects, that are
deprecated, or that the file says elsewhere (the seed, the start of pruning).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_Candidates = Annotated[int, Field(ge=1, le=10_000)]
_Population = Annotated[int, Field(ge=2, le=10_000)]
_Factor = Annotated[int, Field(ge=2)]
_Fraction = Annotated[float, Field(ge=0, le=1)]
_Percent = Annotated[float, Field(ge=0, le=100)]
_Resource = _Positive | Literal["auto"]

Arguments = dict[str, Any]
"""Name of an argument -> its type."""

SAMPLERS: dict[str, Arguments] = {
    "tpe": {
        "prior_weight": Annotated[float, Field(gt=0)],
        "n_startup_trials": _Count,
        "n_ei_candidates": _Candidates,
        "multivariate": bool,
        "group": bool,
        "warn_independent_sampling": bool,
        "constant_liar": bool,
    },
    "gp": {"n_startup_trials": _Count, "deterministic_objective": bool, "warn_independent_sampling": bool},
    "cmaes": {
        "sigma0": Annotated[float, Field(gt=0)],
        "n_startup_trials": _Count,
        "warn_independent_sampling": bool,
        "consider_pruned_trials": bool,
        "popsize": _Population,
        "use_separable_cma": bool,
        "with_margin": bool,
        "lr_adapt": bool,
    },
    "random": {},
    "qmc": {
        "qmc_type": Literal["sobol", "halton"],
        "scramble": bool,
        "warn_asynchronous_seeding": bool,
        "warn_independent_sampling": bool,
    },
    "grid": {},
}

PRUNERS: dict[str, Arguments] = {
    "median": {"interval_steps": _Positive, "n_min_trials": _Positive},
    "percentile": {"percentile": _Percent, "interval_steps": _Positive, "n_min_trials": _Positive},
    "successive_halving": {
        "min_resource": _Resource,
        "reduction_factor": _Factor,
        "min_early_stopping_rate": _Count,
        "bootstrap_count": _Count,
    },
    "hyperband": {
        "min_resource": _Positive,
        "max_resource": _Resource,
        "reduction_factor": _Factor,
        "bootstrap_count": _Count,
    },
    "patient": {"patience": _Count, "min_delta": Annotated[float, Field(ge=0)]},
    "threshold": {"lower": float, "upper": float, "interval_steps": _Positive},
    "wilcoxon": {"p_threshold": _Fraction, "n_startup_steps": _Count},
    "none": {},
}

REQUIRED: dict[str, tuple[str, ...]] = {"percentile": ("percentile",), "patient": ("patience",)}
"""Arguments without a default."""

ELSEWHERE = {
    "seed": "search.seed",
    "n_warmup_steps": "prune.start",
    "wrapped_pruner": "prune.around",
    "search_space": "tune",
}
"""Arguments that the file says under a name of its own."""
