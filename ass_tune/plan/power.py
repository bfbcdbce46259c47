"""Which gain a study will be able to show, said before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from ass_tune.places import Studies
from ass_tune.plan.comparisons import PlannedComparison
from trainables.config import Value
from trainables.words import BUDGET

CONCLUSIONS = "conclusions.json"
"""File in a study's `tables/` that has the standard deviation of its runs; see `analysis.report.as_data`."""


class PlannedPower(BaseModel):
    """What is shown with a probability of 80%; in points of the objective where `sd` is known, else in units of it."""

    model_config = ConfigDict(frozen=True)

    gain: float
    """The smallest true gain that is called better."""
    margin: float
    """The smallest difference of interest within which cells that do not differ are called equivalent."""
    sd: float | None
    """Of the difference of two cells' runs of one seed, in points: exceeded in one case of five."""
    studies: tuple[str, ...]
    """Earlier studies that it is from."""


class EarlierStudy(BaseModel):
    """What the conclusions of an earlier study say of its noise."""

    study: str
    trainable: str
    domains: str
    run_sd: float | None
    run_sd_df: int


def planned_power(
    comparisons: tuple[PlannedComparison, ...],
    cells: Mapping[str, Mapping[str, Value]],
    seeds: int,
    like: tuple[str, str],
    studies: Studies,
    first_look: int | None = None,
) -> PlannedPower | None:
    """What the primary comparisons will be able to show; None without comparisons or with one seed.

    Args:
        comparisons: the primary ones; those with controls make a claim as well.
        cells: levels by factor of each cell of the table, by its name.
        seeds: of the table.
        like: trainable and pair of domains.
        studies: folder of all studies, where earlier ones of the same trainable and pair say how much runs vary.
        first_look: seeds after which undecided comparisons get further ones, which costs a little power; None where the
            number of seeds is fixed.
    """
    from analysis.statistics.power import Design, resolution, upper_sd

    of_controls = [(one.ours, one.control) for one in comparisons if one.control is not None]
    pairs = tuple(dict.fromkeys([*((one.ours, one.theirs) for one in comparisons), *of_controls]))
    if not pairs or seeds < 2:
        return None
    earlier = [one for _, one in earlier_studies(studies, like) if one.run_sd_df > 0]
    df = sum(one.run_sd_df for one in earlier)
    squares = sum((one.run_sd or 0.0) ** 2 * one.run_sd_df for one in earlier)
    sd = upper_sd(math.sqrt(2 * squares / df), df) if squares > 0 else None
    budgets = tuple((name, levels.get(BUDGET)) for name, levels in cells.items())
    design = Design(pairs, budgets, first_look=first_look)
    found = resolution(design, seeds, 1.0 if sd is None else sd)
    names = tuple(one.study for one in earlier) if sd is not None else ()
    return PlannedPower(gain=found.gain, margin=found.margin, sd=sd, studies=names)


def earlier_studies(studies: Studies, like: tuple[str, str]) -> Iterator[tuple[str, EarlierStudy]]:
    """Studies of a trainable and a pair of domains that have ended, with their names; unreadable ones say nothing."""
    for name in _names(studies):
        try:
            content = studies.files_of(name).impatient.read_bytes(f"tables/{CONCLUSIONS}")
            earlier = EarlierStudy.model_validate_json(content)
        except (OSError, ValidationError):
            continue
        if (earlier.trainable, earlier.domains) == like:
            yield name, earlier


def _names(studies: Studies) -> Sequence[str]:
    if studies.is_local:
        return [file.parents[1].name for file in sorted(studies.folder.glob(f"*/tables/{CONCLUSIONS}"))]
    try:
        return studies.files.impatient.folders("")
    except (OSError, ValueError):
        return []
