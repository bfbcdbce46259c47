"""The conclusions of a study as data, for programs: `python -m analysis.report STUDY --json`.

`docs/conclusions.schema.json` is their JSON Schema, which `python -m analysis.report.as_data` writes.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from analysis.conclusions import sentence, undecided
from analysis.edges import NEAR, AtEdge, End, at_edges
from analysis.statistics.gains import Gain, Judged
from analysis.statistics.sensitivity import noise_within_seeds
from analysis.statistics.sequential import Stopped
from analysis.statistics.verdict import Comparison, Verdict
from analysis.study import Study
from trainables.objective import Objective

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "conclusions.schema.json"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ComparisonData(_Model):
    """How much more mIoU one cell has than another on the report split, in points."""

    ours: str = Field(description="Name of the one cell")
    theirs: str = Field(description="Name of the other cell")
    seeds: tuple[int, ...] = Field(description="Seeds that both have")
    gain: float | None = Field(description="Mean difference over these seeds; null without any")
    low: float | None = Field(description="Lower end of its 95% interval; null where there is none")
    high: float | None = Field(description="Upper end of its 95% interval")
    p: float | None = Field(description="Corrected over all primary comparisons; null where exploratory")
    verdict: Verdict | None = Field(description="Null where nothing was judged, and where exploratory")
    df: float | None = Field(description="Degrees of freedom of the interval")
    within_margin: bool = Field(description="Whether the whole interval is within the smallest difference of interest")
    not_judged: str | None = Field(description="Why there is no interval; null where there is one")
    after_seeds: int | None = Field(
        description="Seeds after which it was decided or got no more, where they are added until decided; else null"
    )
    stopped: Stopped | None = Field(
        description="Why it got no more seeds; null where their number is fixed, and where it is still open"
    )


class SeedsUntilDecided(_Model):
    """What seeds until decided have taken, beside a fixed number."""

    first_look: int = Field(description="Seeds of every cell at the first look")
    at_most: int = Field(description="Seeds of a cell at the last one")
    runs: int = Field(description="Of the cells that are compared")
    runs_of_fixed_number: int = Field(description="What at_most seeds of each of these cells would have been")


class Decision(_Model):
    """What it would take to decide what is undecided. More seeds are more runs of every cell of the table."""

    more_seeds_to_find: int | None = Field(
        description="So that a true gain of the smallest difference is found in 4 of 5 studies; null: over 100"
    )
    more_seeds_to_rule_out: int | None = Field(
        description="So that cells that do not differ are called equivalent in 4 of 5 studies; null: over 100"
    )
    trials: int | None = Field(description="Trials that the larger of both numbers takes; null where unknown")
    trial_hours: float | None = Field(description="Hours of these trials, as long as those of the table; null: unknown")


class Conclusion(_Model):
    """A primary comparison."""

    comparison: ComparisonData
    control: ComparisonData | None = Field(description="Ours over its control; null where there is no control")
    credited: bool = Field(description="Better than theirs and, where there is a control, better than the control")
    decided_by: Decision | None = Field(
        description="Null where it is decided, was not judged, or seeds are added until it is decided"
    )
    sentence: str


class NotCompared(_Model):
    """A primary comparison that the file asks for and that cannot be made."""

    ours: str = Field(description="The one combination of levels")
    theirs: str = Field(description="The other one")
    reason: str


class BestAtEdge(_Model):
    """A hyperparameter of a cell's best configuration at an end of its range: a better value may lie beyond it."""

    cell: str
    hyperparameter: str
    value: float
    end: End = Field(description=f"Of the range: within {NEAR:.0%} of it, or the least or greatest of listed values")
    low: float = Field(description="Lower end of the range")
    high: float = Field(description="Upper end of the range")
    log: bool = Field(description="Whether its logarithm was searched; the share is that of the logarithm then")


class Conclusions(_Model):
    """What a study concludes."""

    study: str
    trainable: str
    domains: str
    protocol: str
    seeds: tuple[int, ...] = Field(description="Of the table")
    seeds_until_decided: SeedsUntilDecided | None = Field(description="Null where the number of seeds is fixed")
    objective: Objective = Field(description="What trials are judged by; gains are positive where it is better")
    smallest_difference: float = Field(description="Of interest, in points of the objective")
    run_sd: float | None = Field(
        description="Standard deviation of one run within its cell and seed, in points; null where unknown"
    )
    run_sd_df: int = Field(description="Degrees of freedom that it is known with")
    primary: tuple[Conclusion, ...] = Field(description="Comparisons that were named before anything was trained")
    not_compared: tuple[NotCompared, ...]
    best_at_edge: tuple[BestAtEdge, ...]
    exploratory: tuple[ComparisonData, ...] = Field(description="All others: intervals of their own, no verdict")


def conclusions_of(judged: Judged) -> Conclusions:
    """Everything that the study's report concludes."""
    study, noise = judged.study, noise_within_seeds(judged.study)
    return Conclusions(
        study=study.name,
        trainable=study.plan["trainable"],
        domains=study.plan["domains"],
        protocol=study.protocol,
        seeds=study.seeds,
        seeds_until_decided=_seeds_until_decided(judged),
        objective=study.objective,
        smallest_difference=judged.margin,
        run_sd=noise.std if noise else None,
        run_sd_df=noise.freedom if noise else 0,
        primary=tuple(_conclusion(judged, gain) for gain in judged.primary),
        not_compared=tuple(NotCompared.model_validate(one) for one in study.plan.get("not_compared", ())),
        best_at_edge=tuple(_at_edge(one) for one in at_edges(study)),
        exploratory=tuple(_comparison(found, judged) for found in judged.exploratory.values()),
    )


def conclusions_json(judged: Judged) -> str:
    """The same as text."""
    return conclusions_of(judged).model_dump_json(indent=2) + "\n"


def schema_text() -> str:
    """The JSON Schema as it is shipped."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Conclusions.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _seeds_until_decided(judged: Judged) -> SeedsUntilDecided | None:
    if (spent := judged.runs_spent) is None or judged.looks is None:
        return None
    return SeedsUntilDecided(
        first_look=judged.looks.first,
        at_most=judged.looks.last,
        runs=spent.runs,
        runs_of_fixed_number=spent.at_most,
    )


def _conclusion(judged: Judged, gain: Gain) -> Conclusion:
    more = undecided(gain) if judged.looks is None else []
    return Conclusion(
        comparison=_comparison(gain.comparison, judged),
        control=None if gain.control is None else _comparison(gain.control, judged),
        credited=gain.credited,
        decided_by=next((_decision(judged, found) for found in more), None),
        sentence=sentence(judged, gain),
    )


def _at_edge(found: AtEdge) -> BestAtEdge:
    return BestAtEdge(
        cell=found.cell.name,
        hyperparameter=found.hyperparameter,
        value=found.value,
        end=found.end,
        low=found.searched.low,
        high=found.searched.high,
        log=found.searched.log,
    )


def _comparison(found: Comparison, judged: Judged) -> ComparisonData:
    followed = judged.followed(found)
    return ComparisonData(
        ours=found.ours,
        theirs=found.theirs,
        seeds=found.seeds,
        gain=_known(found.gain),
        low=_known(found.low),
        high=_known(found.high),
        p=_known(found.p),
        df=_known(found.df),
        verdict=None if found.why_not_judged else found.verdict,
        within_margin=found.within_margin,
        not_judged=found.why_not_judged or None,
        after_seeds=found.looked or None,
        stopped=None if followed is None else followed.stopped,
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _decision(judged: Judged, found: Comparison) -> Decision:
    more, study = judged.more_seeds[found.ours, found.theirs], judged.study
    known = [seeds for seeds in (more.to_find, more.to_rule_out) if seeds is not None]
    trials, hours = max(known) * len(study.cells) if known else None, _hours_per_trial(study)
    return Decision(
        more_seeds_to_find=more.to_find,
        more_seeds_to_rule_out=more.to_rule_out,
        trials=trials,
        trial_hours=None if trials is None or hours is None else trials * hours,
    )


def _hours_per_trial(study: Study) -> float | None:
    """The median of the table's trials; None where none has both times."""
    chosen = study.frame.query("chosen")
    hours = (chosen["end"] - chosen["start"]).dt.total_seconds().dropna() / 3600
    return float(hours.median()) if len(hours) else None


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
