"""`ass-tune COMMAND`: one command for all of them. Each is imported only when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ass_tune.version import version
from trainables.command_line import as_process
from trainables.mistakes import ExitCode

PROGRAM = "ass-tune"


@dataclass(frozen=True)
class Command:
    """Where a command's `main(argv, program, ...)` is, and what it does in a line."""

    module: str
    help: str
    instead: str | None = None
    """What `main` of `run` does instead of running the study."""


COMMANDS = {
    "run": Command("ass_tune.run", "run a study, or what is left of it"),
    "plan": Command("ass_tune.run", "show what a study would run and what it costs", "plan"),
    "status": Command("ass_tune.run", "show where a study stands", "status"),
    "sync": Command("ass_tune.sync", "deliver to MLflow what a study could not deliver while it ran"),
    "replay": Command("ass_tune.replay.command", "what another pruner would have cost, from recorded curves"),
    "data": Command("ass_tune.data.command", "check or pack the data sets of a domain pair"),
    "check-trainable": Command("ass_tune.check_trainable", "run a trainable of yours through what a study does to it"),
    "schema": Command("ass_tune.spec.schema", "write the schema by which editors check search-space files"),
    "report": Command("analysis.report.command", "write the report of a study, or of two compared"),
    "export": Command("analysis.export.__main__", "write a study as Parquet files"),
    "import": Command("analysis.export.bring_back", "record an exported study in another MLflow"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names; returns its exit code. Without `argv`, as the process itself."""
    if argv is None:
        return as_process(lambda: main(sys.argv[1:]))
    words = list(argv)
    if not words or words[0].startswith("-"):
        return _general(words)
    name, *rest = words
    if name not in COMMANDS:
        from ass_tune.spec.errors import found, names

        print(f"{PROGRAM}: {found(name, names(COMMANDS), COMMANDS)}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    command = COMMANDS[name]
    options: dict[str, Any] = {"instead": command.instead} if command.instead else {}
    return import_module(command.module).main(rest, f"{PROGRAM} {name}", **options)


def _general(words: list[str]) -> int:
    """What `ass-tune` says without a command: its help or its version."""
    commands = "\n".join(f"  {name:<17}{command.help}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [--help] [--version] COMMAND ...",
        description="Ablation studies: one search-space file in, a table with error bars out.",
        epilog=f"commands:\n{commands}\n\n`{PROGRAM} COMMAND --help` shows the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version()}")
    if not words:
        parser.print_help(sys.stderr)
        return ExitCode.USER_MISTAKE
    parser.parse_args(words)
    return ExitCode.FINISHED


if __name__ == "__main__":
    sys.exit(main())
