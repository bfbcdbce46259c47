"""The command line of `python -m ass_tune.data`."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from trainables.domains.processes import default_workers

PROGRAM = "python -m ass_tune.data"
CHECKED = Path("data_check")
"""Folder of what a check draws and lists, a folder for each pair."""


@dataclass(frozen=True)
class CheckArguments:
    """The command line of `check`; paths are absolute."""

    domains: str
    data_root: Path | None
    workers: int
    sample: int | None
    out: Path


@dataclass(frozen=True)
class PackArguments:
    """The command line of `pack`; paths are absolute."""

    domains: str
    data_root: Path | None
    workers: int


def parse(argv: list[str] | None, program: str = PROGRAM) -> CheckArguments | PackArguments:
    """Arguments of a command line; exits with code 2 and a message where it is wrong."""
    parser = argparse.ArgumentParser(
        prog=program, description="Check the data sets of a domain pair, or pack them for training."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{check,pack}")
    check = commands.add_parser(
        "check",
        help="verify files, sizes and label ids, and show classes and samples",
        description="Read all images with their labels as training would, list every one that cannot be used, and "
        "show how often each class occurs in source and target. Exit code 2 where anything is missing or unusable.",
    )
    pack = commands.add_parser(
        "pack",
        help="make the files that training reads",
        description="Write the images and labels of a pair at training size into $ASS_CACHE (by default the user's "
        "cache folder), where studies find them. It first says how much disk space that takes. Run it again to "
        "continue after an interruption. Studies do the same by themselves when they start.",
    )
    for command in (check, pack):
        command.add_argument("domains", help="domain pair as in a search-space file, e.g. gta5-cityscapes")
        command.add_argument(
            "--data-root", type=Path, metavar="DIR", help="folder of the real data sets; by default $ASS_DATA_ROOT"
        )
        command.add_argument(
            "--workers",
            type=_count,
            default=default_workers(),
            metavar="N",
            help="number of processes; by default one per core",
        )
    check.add_argument("--sample", type=_count, metavar="N", help="look only at N evenly spaced images of each set")
    check.add_argument(
        "--out", type=Path, metavar="DIR", help=f"folder for sample panels and problems; by default {CHECKED}/DOMAINS"
    )
    found = parser.parse_args(argv)
    root = found.data_root or (Path(folder) if (folder := os.environ.get("ASS_DATA_ROOT")) else None)
    root = root.expanduser().resolve() if root else None
    if found.command == "pack":
        return PackArguments(found.domains, root, found.workers)
    out = (found.out or CHECKED / found.domains).expanduser().resolve()
    return CheckArguments(found.domains, root, found.workers, found.sample, out)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: a whole number from 1")
    return int(text)
