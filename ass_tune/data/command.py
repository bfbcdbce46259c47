"""The commands of `python -m ass_tune.data`, and how they end."""

from __future__ import annotations

import sys

from rich.console import Console

from ass_tune.data.arguments import PROGRAM, PackArguments, PanelArguments, parse
from ass_tune.data.check_view import check, draw
from ass_tune.data.pack import pack
from ass_tune.spec.errors import SpecErrors, found, names
from ass_tune.spec.pair_loading import divided, load_pair
from trainables.domains import pairs
from trainables.domains.recipe import MissingData
from trainables.mistakes import ExitCode, UserMistake


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Check, draw or pack a domain pair; returns the exit code, USER_MISTAKE where data is missing or unusable."""
    arguments = parse(argv, program)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        name = _known_name(arguments.domains)
        if isinstance(arguments, PackArguments):
            return pack(name, arguments, console)
        if isinstance(arguments, PanelArguments):
            return draw(pairs.find_pair(name), arguments, console)
        return check(pairs.find_pair(name), arguments, console)
    except (UserMistake, SpecErrors, MissingData) as mistake:
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


def _known_name(domains: str) -> str:
    """The name of a pair; that of a pair file after it was read. Raises SpecErrors for what is wrong with the file."""
    if (named := divided(domains)) is not None:
        path, images = named
        return pairs.define(load_pair(path), images)
    if not pairs.is_known(domains):
        raise UserMistake(f"domains: {found(domains, names(pairs.PAIRS) + pairs.PARTS, pairs.PAIRS)}")
    return domains
