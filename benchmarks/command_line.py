"""What all benchmarks share: command line, description of the machine, alternating timing, figures as JSON.

A benchmark is a module with a function from "quick?" to a `Result`, and at its end
`if __name__ == "__main__": sys.exit(run(NAME, __doc__, measure))`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from rich.console import Console, RenderableType
from rich.table import Table

from ass_tune.tracker.environment import cpu_model
from ass_tune.wording import WIDTH_OF_FILES
from trainables.domains.recipe import MissingData
from trainables.mistakes import UserMistake
from trainables.storage import Storage

PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Result:
    """Results of a benchmark, for people and for programs."""

    shown: list[RenderableType]
    figures: dict[str, float]
    rows: list[dict[str, object]] | None = None
    """What the figures were made of, for programs only."""


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of the rounds of one function."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median seconds of a round."""
        return median(self.seconds)

    def per(self, units: float) -> Timing:
        """Median seconds per unit of work in a round."""
        return Timing([each / units for each in self.seconds])

    def __str__(self) -> str:
        """E.g. `12.1 ms (11.8 to 14.0)`: the median, and the fastest and the slowest round."""
        unit, scale = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e3)) if self.median * s >= 1), ("µs", 1e6))
        low, high = min(self.seconds) * scale, max(self.seconds) * scale
        return f"{self.median * scale:.3g} {unit} ({low:.3g} to {high:.3g})"


def run(
    name: str,
    description: str | None,
    measure: Callable[[bool], Result],
    argv: list[str] | None = None,
    threads: int | None = None,
) -> int:
    """Measure as the command line says, show it and write its figures; returns the exit code.

    Args:
        measure: from whether to be quick to what was found.
        threads: torch's, or None for as many as it takes by itself.
    """
    arguments = _parser(name, description).parse_args(argv)
    if threads is not None:
        torch.set_num_threads(threads)
    return _shown_and_written(lambda: [measure(arguments.quick)], arguments.json)


def run_parts(
    name: str, description: str | None, parts: Mapping[str, Callable[[bool], Result]], argv: list[str] | None = None
) -> int:
    """`run` for a benchmark of several parts, of which `--only` names one; each is shown when it is done."""
    parser = _parser(name, description)
    parser.add_argument("--only", choices=parts, metavar="PART", help=f"one part alone: {', '.join(parts)}")
    arguments = parser.parse_args(argv)
    chosen = [arguments.only] if arguments.only else list(parts)
    return _shown_and_written(lambda: (parts[part](arguments.quick) for part in chosen), arguments.json)


def _parser(name: str, description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="measure less, most benchmarks within 50 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    return parser


def _shown_and_written(measure: Callable[[], Iterable[Result]], file: Path | None) -> int:
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES, markup=False, emoji=False)
    console.print(machine())
    figures: dict[str, float] = {}
    rows: list[dict[str, object]] | None = None
    try:
        for result in measure():
            console.print(*result.shown, sep="\n")
            figures |= result.figures
            rows = result.rows if rows is None else rows + (result.rows or [])
    except (MissingData, UserMistake) as mistake:
        print(mistake, file=sys.stderr)
        return 2
    if file is not None:
        write_figures(file, figures, rows)
    return 0


def data_root() -> Path | None:
    """The folder of the real data sets, $ASS_DATA_ROOT or the folder next to the project; None if there is neither."""
    folder = Path(os.environ.get("ASS_DATA_ROOT", PROJECT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def alternately(functions: Mapping[str, Callable[[], object]], rounds: int, warmups: int = 1) -> dict[str, Timing]:
    """Time functions in turn, so that whatever else the machine does meets all of them alike.

    Every other round goes backwards, and rounds before the first counted one fill caches and compile.
    """
    names = list(functions)
    timings = {name: Timing() for name in names}
    for number in range(-warmups, rounds):
        for name in names[::-1] if number % 2 else names:
            seconds = _seconds(functions[name])
            if number >= 0:
                timings[name].seconds.append(seconds)
    return timings


def _seconds(function: Callable[[], object]) -> float:
    started = perf_counter()
    function()
    synchronize()
    return perf_counter() - started


def synchronize() -> None:
    """Wait for a GPU that is in use."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def ratio(timings: Mapping[str, Timing], slower: str, faster: str) -> float:
    """How many times longer the median round of one function took than that of another."""
    return timings[slower].median / timings[faster].median


def figures_table(title: str, *columns: str) -> Table:
    """An empty table: the first column holds words, the others numbers."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def machine() -> str:
    """Machine and torch version in one line."""
    parts = [
        f"{cpu_model()}, {os.cpu_count()} cores",
        f"torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()}), threads: {torch.get_num_threads()}",
        f"Python {platform.python_version()}",
    ]
    if torch.cuda.is_available():
        parts.insert(1, torch.cuda.get_device_name())
    return "; ".join(parts)


def write_figures(file: Path, figures: Mapping[str, float], rows: list[dict[str, object]] | None = None) -> None:
    """Write `{"figures": {...}}`, and "rows" where there are some, under a temporary name, then rename it.

    Raises ValueError if a number is not finite.
    """
    found = {"figures": dict(figures)} | ({} if rows is None else {"rows": rows})
    text = json.dumps(found, indent=2, allow_nan=False)
    path = file.resolve()
    Storage(str(path.parent)).write_bytes(path.name, f"{text}\n".encode())
