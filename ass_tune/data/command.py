"""The two commands of `python -m ass_tune.data`, and how they end."""

from __future__ import annotations

import sys

from rich.console import Console

from ass_tune.data.arguments import PROGRAM, CheckArguments, PackArguments, parse
from ass_tune.data.check_view import check
from ass_tune.data.pack import pack
from ass_tune.spec.errors import found, names
from trainables.domains import pairs
from trainables.domains.recipe import MissingData, PairRecipe
from trainables.mistakes import ExitCode, UserMistake


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Check or pack a domain pair; returns the exit code, USER_MISTAKE where data is missing or unusable."""
    arguments = parse(argv, program)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        recipe = _recipe(arguments.domains)
        if isinstance(arguments, CheckArguments):
            return check(recipe, arguments, console)
        return pack(arguments, console)
    except (UserMistake, MissingData) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except OSError as error:  # a full disk, a folder that cannot be written
        print(error, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        packing = isinstance(arguments, PackArguments)
        print(
            f"Interrupted{': what is packed is kept, and the same command continues' if packing else ''}.",
            file=sys.stderr,
        )
        return ExitCode.INTERRUPTED


def _recipe(name: str) -> PairRecipe:
    if not pairs.is_known(name):
        raise UserMistake(f"domains: {found(name, names(pairs.PAIRS) + pairs.PARTS, pairs.PAIRS)}")
    return pairs.find_pair(name)
