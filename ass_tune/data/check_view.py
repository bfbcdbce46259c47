"""`check`: what was found in a pair's data, as tables, pictures and a list of problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from analysis.wording import count
from ass_tune.data.arguments import CHECKED, CheckArguments, PanelArguments
from ass_tune.data.doubts import Doubt, find_doubts
from ass_tune.data.inspection import SHOWN, Findings, look, start
from trainables.domains.classes import ClassSet
from trainables.domains.recipe import MissingData, PairRecipe
from trainables.mistakes import ExitCode
from trainables.panel import labels_png
from trainables.storage import Storage

MAX_SHOWN = 50
"""Unusable images that are listed on the terminal; further ones are only counted, and the file has them all."""
PROBLEMS = "problems.txt"


def check(published: PairRecipe, arguments: CheckArguments, console: Console) -> ExitCode:
    """Look at a pair's data and show what is there, even if incomplete; raises `MissingData` without a data root."""
    recipe = published.at(arguments.data_root)
    incomplete = _incomplete(recipe, arguments.data_root)
    findings = start(recipe, arguments.sample)
    _look(recipe, arguments, findings, SHOWN)
    console.print(_set_table(published, recipe, findings))
    console.print(_class_table(recipe.classes, findings))
    out = _folder(arguments.out, recipe)
    _draw(recipe.classes, findings, out, console)
    for notice in recipe.notices:
        console.print(notice)
    doubts = find_doubts(recipe, arguments.data_root, findings)
    for doubt in doubts:
        if not doubt.meaningless:
            console.print(f"look again: {doubt.text}")
    complete = "complete, and " if recipe.sizes == published.sizes else ""
    return _report(f"{recipe.name}: {complete}", incomplete, findings, doubts, out, console)


def draw(published: PairRecipe, arguments: PanelArguments, console: Console) -> ExitCode:
    """Draw some images of each set, even of an incomplete one; raises `MissingData` where there are none to draw."""
    recipe = published.at(arguments.data_root)
    findings = start(recipe, arguments.images)
    _look(recipe, arguments, findings, arguments.images)
    _draw(recipe.classes, findings, _folder(arguments.out, recipe), console)
    if problems := [problem for finding in findings.values() for problem in finding.problems.values()]:
        raise MissingData("\n".join(problems))
    recipe.check(arguments.data_root)
    return ExitCode.FINISHED


def _folder(out: Path | None, recipe: PairRecipe) -> Storage:
    return Storage(str(out or (CHECKED / recipe.name).resolve()))


def _look(
    recipe: PairRecipe, arguments: CheckArguments | PanelArguments, findings: Mapping[str, Findings], drawn: int
) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {name: progress.add_task(name, total=len(finding.rows)) for name, finding in findings.items()}
        for name, images in look(recipe, arguments.data_root, findings, arguments.workers, drawn):
            progress.advance(tasks[name], images)


def _incomplete(recipe: PairRecipe, data_root: Path | None) -> str:
    try:
        recipe.check(data_root)
    except MissingData as missing:
        return str(missing)
    return ""


def _set_table(published: PairRecipe, recipe: PairRecipe, findings: Mapping[str, Findings]) -> Table:
    table = Table(title=f"sets of {recipe.name}", title_justify="left")
    for name in ("set", "published", "there", "looked at", "unusable"):
        table.add_column(name, justify="left" if name == "set" else "right")
    for name, finding in findings.items():
        counts = published.sizes.get(name, "?"), recipe.sizes[name], finding.looked_at, len(finding.problems)
        table.add_row(name, *map(str, counts))
    return table


def _class_table(classes: ClassSet, findings: Mapping[str, Findings]) -> Table:
    title = "% of labeled pixels in the images looked at (absent: none of them)"
    table = Table(title=title, title_justify="left")
    table.add_column("class")
    for name in findings:
        table.add_column(name, justify="right")
    shares = [finding.shares(len(classes)) for finding in findings.values()]
    for index, (name, color) in enumerate(zip(classes.names, classes.colors, strict=True)):
        swatch = Text.assemble(("  ", f"on rgb({color[0]},{color[1]},{color[2]})"), " ", name)
        table.add_row(swatch, *(_percent(None if of_set is None else float(of_set[index])) for of_set in shares))
    table.add_section()
    table.add_row("ignored, % of all", *(_percent(finding.ignored, "0.00") for finding in findings.values()))
    return table


def _percent(share: float | None, none: str = "absent") -> Text:
    if share is None:
        return Text("?")
    if share == 0:
        return Text(none, style="bold red" if none == "absent" else "")
    return Text(f"{100 * share:.2f}" if share >= 5e-5 else "<0.01")


def _draw(classes: ClassSet, findings: Mapping[str, Findings], out: Storage, console: Console) -> None:
    for name, finding in findings.items():
        if contents := [finding.shown[row] for row in sorted(finding.shown)]:
            images = np.concatenate([content.images for content in contents])
            labels = np.concatenate([content.labels for content in contents])
            out.write_bytes(f"{name}.png", labels_png(images, labels, classes))
            console.print(f"images and labels: {out.local_path(f'{name}.png')}")


def _report(
    verdict: str,
    incomplete: str,
    findings: Mapping[str, Findings],
    doubts: Sequence[Doubt],
    out: Storage,
    console: Console,
) -> ExitCode:
    unusable = [
        f"{name}: {finding.problems[row]}" for name, finding in findings.items() for row in sorted(finding.problems)
    ]
    meaningless = [doubt.text for doubt in doubts if doubt.meaningless]
    if not incomplete and not unusable and not meaningless:
        looked_at = sum(finding.looked_at for finding in findings.values())
        but = ", but see what is said above" if doubts else ""
        console.print(f"{verdict}all {looked_at} images looked at can be used{but}")
        return ExitCode.FINISHED
    lines = [*incomplete.splitlines(), *unusable, *meaningless]
    out.write_bytes(PROBLEMS, ("\n".join(lines) + "\n").encode())
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    if unusable:
        errors.print(f"{count(len(unusable), 'image')} cannot be used:")
    for line in unusable[:MAX_SHOWN]:
        errors.print(f"  {line}")
    if len(unusable) > MAX_SHOWN:
        errors.print(f"  and {len(unusable) - MAX_SHOWN} more, all of them in {out.local_path(PROBLEMS)}")
    if incomplete:
        errors.print(incomplete)
    if meaningless:
        errors.print("Training on these labels would mean nothing:")
    for line in meaningless:
        errors.print(f"  {line}")
    return ExitCode.USER_MISTAKE
