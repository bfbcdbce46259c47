"""The sampler of a study, made anew for every suggestion from (seed, cell, trial number).

A sampler that is a function of these and of the ledger needs no state of its own, so a study that is
interrupted anywhere suggests what it would have suggested undisturbed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler

from ass_tune.ledger.trust import stranger
from ass_tune.spec.catalogue import SAMPLERS
from trainables.domains.sampling import stream
from trainables.mistakes import UserMistake


def make_sampler(name: str, arguments: Mapping[str, Any], seed: int, cell: str, number: int) -> BaseSampler:
    """The sampler for one suggestion.

    Args:
        name: its name in the catalogue.
        arguments: keyword arguments of Optuna's class, from the search-space file.
        seed: the study's search seed.
        cell: name of the cell, so that cells draw independently.
        number: how many trials the cell has asked for before.
    """
    row = SAMPLERS[name]
    values: dict[str, Any] = {**row.defaults(arguments), **arguments, "seed": _draw(seed, cell, number)}
    if row.one_sequence:  # Optuna keeps the place in it in the ledger, and draws its first point independently
        independent = RandomSampler(seed=values["seed"])
        values |= {"seed": _draw(seed, cell, 0), "independent_sampler": independent}
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        return row.optuna_class(**values)


def check_sampler(name: str) -> None:
    """Raise `UserMistake` where the sampler needs a package that is not installed; Optuna itself finds out late."""
    if (package := SAMPLERS[name].package) is None:
        return
    try:
        import_module(package)
    except ImportError as error:
        raise UserMistake(f"search.sampler {name} needs the package {package}: pip install {package}") from error


def check_trusted(name: str, journal: Path | None) -> None:
    """Raise `UserMistake` where the sampler would unpickle what another user may have written to the ledger.

    Folders above the journal's need no check: a journal that somebody puts in its place is owned by them.

    Args:
        name: its name in the catalogue.
        journal: the ledger's file, which need not exist yet; None where the ledger is a database.
    """
    if not SAMPLERS[name].unpickles:
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
