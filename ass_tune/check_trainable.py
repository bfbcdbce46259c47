"""`ass-tune check-trainable NAME`: a trainable through everything that a study does to it, in seconds."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml
from pydantic import ValidationError
from rich.console import Console

from ass_tune.arguments import data_folder
from ass_tune.search.identity import trial_key
from ass_tune.spec.errors import SpecErrors, found, names
from ass_tune.spec.pair_loading import divided, load_pair
from trainables.command_line import as_process
from trainables.config import TrialConfig
from trainables.domains import pairs
from trainables.domains.progress import unwatched
from trainables.domains.recipe import MissingData
from trainables.mistakes import ExitCode, UserMistake
from trainables.registry import TRAINABLES

PROGRAM = "ass-tune check-trainable"
REPORTS = 3
_NOT_COMPARED = ("time", "notices", "trial")
"""Of a result, what may differ between two runs of a trial; besides metrics of its speed."""

Result = Mapping[str, Any]


class Wrong(Exception):
    """A check failed; the message says what was found and what is allowed."""


@dataclass(frozen=True)
class Checked:
    """A trainable that is checked, with one configuration.

    Attributes:
        name: in the registry.
        config: of the trial.
        folder: for what trials write.
        data_root: folder of the real data sets.
        data: digests of the files that trials read.
    """

    name: str
    config: TrialConfig
    folder: Path
    data_root: Path | None
    data: Mapping[str, str]

    def task(self, place: str, **changes: Any) -> dict[str, Any]:
        """What a trial is asked to do whose folder has a name."""
        return {
            "trainable": self.name,
            "key": "check",
            "config": {**self.config.model_dump(mode="json"), **changes},
            "storage": str(self.folder / place),
            "data_root": str(self.data_root) if self.data_root else None,
            "data": dict(self.data),
            "pair": pairs.definition(self.config.domains),
            "threads": 1,
        }


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Check a trainable; returns FINISHED, INCOMPLETE where a check failed, or USER_MISTAKE."""
    arguments = _parse(argv, program)
    console = Console(markup=False, highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="ass_tune-check-") as folder:
        try:
            checked = _checked(arguments, Path(folder))
        except SpecErrors as mistakes:  # of a pair file, each with its place
            print(mistakes, file=sys.stderr)
            return ExitCode.USER_MISTAKE
        except (UserMistake, MissingData) as mistake:
            print(f"{program}: {mistake}", file=sys.stderr)
            return ExitCode.USER_MISTAKE
        try:
            for passed in checks(checked):
                console.print(f"ok     {passed}")
        except Wrong as wrong:
            console.print(f"wrong  {wrong}")
            return ExitCode.INCOMPLETE
    return ExitCode.FINISHED


def checks(checked: Checked) -> Iterator[str]:
    """What was found right, one after the other. Raises Wrong with the first thing that is not."""
    yield f"configuration: {', '.join(checked.config.tunable())}; key {trial_key(checked.config, checked.data)}"
    objective = checked.config.objective
    undisturbed = _run([checked.task("undisturbed")])
    if undisturbed[-1]["diverged"] is not None:
        raise Wrong(f"the trial diverges: {undisturbed[-1]['diverged']}; allowed: a configuration that can be trained")
    yield f"{len(undisturbed)} reports with {objective.select}, the last one with {objective.report}"
    _run([checked.task("killed")], kill_after=1)
    after = _run([checked.task("killed")])
    _same(undisturbed[-len(after) :], after, "killed after its first report and started again")
    saved = any((checked.folder / "killed" / "checkpoints").rglob("*.pt"))
    goes_on = "goes on from its checkpoint" if saved else "begins anew, since it saved no checkpoint, and gets"
    yield f"killed after its first report, it {goes_on} to the same numbers"
    every = checked.config.evaluate_every
    _run([checked.task("handed back")], asked_at_look=every + 3 + every // 2)  # in the second interval
    after = _run([checked.task("handed back")])
    _same(undisturbed[-len(after) :], after, "asked to end between two reports and started again")
    yield "asked to end between two reports, it hands itself back and goes on to the same numbers"
    other = checked.task("other", seed=checked.config.seed + 1)
    both = _run([other, checked.task("reset")])
    _same(undisturbed, [result for result in both if result["trial"] == 1], "after another trial in its process")
    yield "after another trial in the same process, it gives the same numbers"


def _run(
    tasks: list[Mapping[str, Any]], kill_after: int | None = None, asked_at_look: int | None = None
) -> list[Result]:
    """Results of trials in a process of their own.

    Args:
        tasks: one for each trial.
        kill_after: after how many results the process is killed, if ever.
        asked_at_look: at which look of the trainable whether it was asked to end it is, if ever.
    """
    command = [sys.executable, "-m", "trainables.check_trial", *([] if asked_at_look is None else [str(asked_at_look)])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        _tell(process.stdin, json.dumps(tasks))
        results: list[Result] = []
        for line in process.stdout:
            results.append(json.loads(line))
            if "error" in results[-1]:
                raise Wrong(str(results[-1]["error"]))
            if len(results) == kill_after:
                process.kill()
                break
            _tell(process.stdin, "go on")
    if kill_after is None and process.returncode:
        raise Wrong(f"its process ended with exit code {process.returncode}; allowed: results to the end")
    return results


def _tell(process: IO[str], text: str) -> None:
    """One line; a process that is dead already says so by its exit code."""
    with suppress(BrokenPipeError):
        print(text, file=process, flush=True)


def _same(expected: list[Result], results: list[Result], what: str) -> None:
    """Raise Wrong with the first number that differs."""
    if len(results) != len(expected):
        raise Wrong(f"{what}: found {len(results)} reports, undisturbed {len(expected)}")
    for one, other in zip(expected, results, strict=True):
        if (ours := _compared(one)) != (theirs := _compared(other)):
            name = next(name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name))
            differ = f"undisturbed {ours.get(name, 'missing')}, now {theirs.get(name, 'missing')}"
            raise Wrong(f"{what}: {name} at iteration {one['iteration']} differs: {differ}")


def _compared(result: Result) -> dict[str, Any]:
    numbers = {name: value for name, value in result["metrics"].items() if not name.startswith("speed/")}
    return {**{name: value for name, value in result.items() if name not in (*_NOT_COMPARED, "metrics")}, **numbers}


def _checked(arguments: argparse.Namespace, folder: Path) -> Checked:
    """Raises UserMistake, SpecErrors and MissingData."""
    name = arguments.name
    if name not in TRAINABLES:
        raise UserMistake(f"trainable: {found(name, names(TRAINABLES), TRAINABLES)}")
    entry = TRAINABLES[name]
    config = _config(entry.config, arguments)
    data_root = data_folder(arguments.data_root)
    data = entry.data_files(config.domains, data_root, unwatched)
    entry.prepare([config], data_root, unwatched, data.digests)
    return Checked(name, config, folder, data_root, data.digests)


def _config(model: type[TrialConfig], arguments: argparse.Namespace) -> TrialConfig:
    profiles = model.profiles()
    profile = arguments.profile or next(iter(profiles))
    if profile not in profiles:
        raise UserMistake(f"--profile: {found(profile, names(profiles), profiles)}")
    every = arguments.evaluate_every
    given = dict(_assignment(text) for text in arguments.set)
    model = model.extended({name: [value] for name, value in given.items()})
    if unknown := [field for field in given if field not in model.tunable()]:
        raise UserMistake(f"--set: {found(unknown[0], names(model.tunable()), model.tunable())}")
    own = {"profile": profile, "domains": _domains(model, arguments.domains), "seed": 0}
    try:
        config = model.of({**profiles[profile], **given, **own, "iterations": REPORTS * every, "evaluate_every": every})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise UserMistake(f"{field}: {first['msg']}; give a value with --set {field}=VALUE") from None
    if reason := model.undefined(config.model_dump()):
        raise UserMistake(f"this combination means nothing: {reason}; change it with --set FIELD=VALUE")
    return config


def _domains(model: type[TrialConfig], asked: str | None) -> str:
    """The name of the pair that is asked for; that of a pair file after it was read. Raises UserMistake, SpecErrors."""
    known = model.domain_pairs()
    if asked is None:
        return known[0]
    if model.READS_PAIR_FILES and (named := divided(asked)) is not None:
        path, images = named
        return pairs.define(load_pair(path), images)
    if not model.has_domains(asked):
        raise UserMistake(f"--domains: {found(asked, names(known) + model.other_domains(), known)}")
    return asked


def _assignment(text: str) -> tuple[str, Any]:
    field, equals, value = text.partition("=")
    if not equals:
        raise UserMistake(f"--set: found {text}; allowed: FIELD=VALUE")
    return field, yaml.safe_load(value)


def _parse(argv: list[str] | None, program: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Run a trainable through what a study does: reports, a kill, a request to end, a trial before it.",
    )
    parser.add_argument("name", help="the name that a file gives under trainable:")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a value of a setting")
    parser.add_argument("--domains", help="a name or a pair file; by default the first that the trainable has")
    parser.add_argument("--profile", help="by default the first that the trainable has")
    parser.add_argument("--evaluate-every", type=int, default=2, metavar="N", help="iterations between two reports")
    parser.add_argument("--data-root", type=Path, help="folder of the real data sets; else $ASS_DATA_ROOT")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(as_process(main))
