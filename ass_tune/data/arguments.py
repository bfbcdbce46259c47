"""The command line of `python -m ass_tune.data`."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from trainables.domains.processes import default_workers

PROGRAM = "python -m ass_tune.data"
CHECKED = Path("data_check")
"""Folder of what a check draws and lists, with a folder for each pair."""


@dataclass(frozen=True)
class CheckArguments:
    """The command line of `check`; paths are absolute."""

    domains: str
    data_root: Path | None
    workers: int
    sample: int | None
    out: Path | None


@dataclass(frozen=True)
class PanelArguments:
    """The command line of `panels`; paths are absolute."""

    domains: str
    data_root: Path | None
    workers: int
    images: int
    out: Path | None


@dataclass(frozen=True)
class PackArguments:
    """The command line of `pack`; paths are absolute."""

    domains: str
    data_root: Path | None
    workers: int


def parse(argv: list[str] | None, program: str = PROGRAM) -> CheckArguments | PackArguments | PanelArguments:
    """Arguments of a command line; exits with code 2 and a message where it is wrong."""
    parser = argparse.ArgumentParser(
        prog=program, description="Check the data sets of a domain pair, draw some of them, or pack them for training."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{check,pack,panels}")
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
    panels = commands.add_parser(
        "panels",
        help="draw images beside their labels",
        description="Draw some images of each set beside their labels, in the colours of the classes and with ignored "
        "pixels in black, as training would see them. The first thing to look at after a pair file was written.",
    )
    for command in (check, pack, panels):
        command.add_argument(
            "domains", help="domain pair as in a search-space file: a name such as gta5-cityscapes, or a pair file"
        )
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
    panels.add_argument("--images", type=_count, metavar="N", default=4, help="images of each set; by default 4")
    for command, what in ((check, "sample panels and problems"), (panels, "the panels")):
        command.add_argument(
            "--out", type=Path, metavar="DIR", help=f"folder for {what}; by default {CHECKED}/ and the pair's name"
        )
    found = parser.parse_args(argv)
    root = found.data_root or (Path(folder) if (folder := os.environ.get("ASS_DATA_ROOT")) else None)
    root = root.expanduser().resolve() if root else None
    if found.command == "pack":
        return PackArguments(found.domains, root, found.workers)
    out = found.out.expanduser().resolve() if found.out else None
    if found.command == "panels":
        return PanelArguments(found.domains, root, found.workers, found.images, out)
    return CheckArguments(found.domains, root, found.workers, found.sample, out)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: a whole number from 1")
    return int(text)
