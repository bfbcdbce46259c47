"""Optuna's samplers by name, each made anew for every suggestion from (seed, cell, trial number).

A sampler that is a function of these and of the ledger needs no state of its own, so a study that is
interrupted anywhere suggests what it would have suggested undisturbed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler

from ass_tune.ledger.trust import stranger
from trainables.domains.sampling import stream
from trainables.mistakes import UserMistake

OPTIONAL_PACKAGES = {"cmaes": "cmaes"}
"""What samplers need beyond this project's dependencies."""
_UNPICKLES = {"cmaes"}
"""Samplers that keep a pickled object in the ledger, so that who can write there can run code here."""


def make_sampler(name: str, arguments: Mapping[str, Any], seed: int, cell: str, number: int) -> BaseSampler:
    """The sampler for one suggestion.

    Args:
        name: a name of `SAMPLERS`.
        arguments: keyword arguments of Optuna's class, from the search-space file.
        seed: the study's search seed.
        cell: name of the cell, so that cells draw independently.
        number: how many trials the cell has asked for before.
    """
    return SAMPLERS[name](arguments, seed, cell, number)


def check_sampler(name: str) -> None:
    """Raise `UserMistake` where the sampler needs a package that is not installed; Optuna itself finds out late."""
    if (package := OPTIONAL_PACKAGES.get(name)) is None:
        return
    try:
        import_module(package)
    except ImportError as error:
        raise UserMistake(f"search.sampler {name} needs the package {package}: pip install {package}") from error


def check_trusted(name: str, journal: Path | None) -> None:
    """Raise `UserMistake` where the sampler would unpickle what another user may have written to the ledger.

    A folder above the journal's may be anybody's: what they put in the journal's place is owned by them.

    Args:
        name: a name of `SAMPLERS`.
        journal: the ledger's file, which need not exist yet; None where the ledger is a database.
    """
    if name not in _UNPICKLES:
        return
    if journal is None:
        raise _untrusted(name, "the ledger is a database, where others may write too", "leave out the ledger's URL")
    for path in (journal.resolve().parent, journal.resolve()):
        if (who := stranger(path)) is not None:
            remedy = f"if nobody has used it so far, make it yours alone (chown, chmod go-w {path})"
            raise _untrusted(name, f"{path} can be written by {who}", remedy)


def _untrusted(name: str, reason: str, remedy: str) -> UserMistake:
    return UserMistake(
        f"search.sampler {name} unpickles its state from the ledger, which lets whoever writes there run code as "
        f"you; {reason}. Choose another sampler (tpe, for example), or {remedy}."
    )


def _draw(seed: int, cell: str, number: int) -> int:
    return int(stream(seed, f"sampler/{cell}", number).integers(2**31))


def _seeded_each_time(make: Callable[..., BaseSampler], **defaults: Any) -> Callable[..., BaseSampler]:
    def sampler(arguments: Mapping[str, Any], seed: int, cell: str, number: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(**{**defaults, **arguments}, seed=_draw(seed, cell, number))

    return sampler


def _qmc(arguments: Mapping[str, Any], seed: int, cell: str, number: int) -> BaseSampler:
    """Quasi-Monte Carlo points are one sequence per cell: Optuna keeps the place in it in the ledger."""
    independent = optuna.samplers.RandomSampler(seed=_draw(seed, cell, number))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.QMCSampler(
            **{"scramble": True, "warn_independent_sampling": False, **arguments},
            seed=_draw(seed, cell, 0),
            independent_sampler=independent,
        )


def _tpe(arguments: Mapping[str, Any], seed: int, cell: str, number: int) -> BaseSampler:
    """A space with conditions is a union of flat ones: a multivariate TPE models each as a whole (`group`)."""
    multivariate = arguments.get("multivariate", True)
    return _seeded_each_time(optuna.samplers.TPESampler, multivariate=multivariate, group=multivariate)(
        arguments, seed, cell, number
    )


_random = _seeded_each_time(optuna.samplers.RandomSampler)

SAMPLERS: Mapping[str, Callable[..., BaseSampler]] = {
    "tpe": _tpe,
    "gp": _seeded_each_time(optuna.samplers.GPSampler, warn_independent_sampling=False),
    "cmaes": _seeded_each_time(optuna.samplers.CmaEsSampler, warn_independent_sampling=False),
    "random": _random,
    "qmc": _qmc,
    # the points of a grid are enumerated and enqueued, so Optuna's sampler has nothing left to choose
    "grid": _random,
}
