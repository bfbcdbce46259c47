"""What a study was started with, kept in its ledger: later it may ask for more, not for other settings or data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from optuna.storages import BaseStorage

from ass_tune.ledger.ledger import has_trials, optuna_study
from ass_tune.ledger.study_data import read_data_files, write_data_files
from ass_tune.spec import StudySpec
from trainables.domains.data_files import NO_FILES, DataFiles
from trainables.domains.pairs import pair_meaning
from trainables.mistakes import UserMistake

DATA = "data"
"""Name of the digest of all data among the settings."""
EXTENSIONS = "code version of extensions"
"""Name of the hashes of their code among the settings, by extension."""
FREE = ("extends", "resources", "faults", "checkpoints", "trackers")
"""Sections that may change at any time: they affect neither a trial's outcome nor what is concluded from it."""


class ChangedStudy(UserMistake):
    """The settings or the data do not fit the trials that the study already has."""


def agree(storage: BaseStorage, spec: StudySpec, folder: Path | str, data: DataFiles = NO_FILES) -> None:
    """Compare a study with the settings and the data it was started with, and record those that it has now.

    Raises ChangedStudy with every difference, except more trials per cell, more levels of a factor and more seeds,
    which leave all existing trials valid. A study without a trial may change in any way. What is compared may not
    change: primary comparisons are those that were named before anything was trained.

    Args:
        storage: the ledger.
        spec: the study.
        folder: of the study, which messages name.
        data: the files that trials are trained and judged on.
    """
    study = optuna_study(storage, spec.study)
    terms, before = {**terms_of(spec), DATA: data.digest}, study.user_attrs.get("terms")
    if before == terms:
        return
    if before is not None and has_trials(storage, spec.study):
        differences = list(_differences({**before, DATA: data.digest}, terms))
        files = list(read_data_files(storage, spec.study, before.get(DATA, "")).differences(data))
        if differences or files:
            raise ChangedStudy(_message(folder, differences, files))
    if before is None or before.get(DATA) != data.digest:
        write_data_files(storage, spec.study, data)
    study.set_user_attr("terms", terms)


def terms_of(spec: StudySpec) -> dict[str, Any]:
    """All of a search-space file that decides outcomes, and the version of the code, as plain JSON."""
    # ledgers from before there were designs say nothing of them
    unsaid: set[str] = {"design"} if spec.design == "product" else set()
    asked = spec.model_dump(mode="json", by_alias=True, exclude={*FREE, *unsaid})
    code: dict[str, Any] = {"code version": spec.config_class.code_version(spec.domains)}
    if added := spec.config_class.extensions(spec.named):  # ledgers from before there were extensions say nothing
        code[EXTENSIONS] = added
    meaning = pair_meaning(spec.domains)  # whose digest `domains` has, which says nothing to people
    of_file = {} if meaning is None else {"pair": meaning}
    return json.loads(json.dumps({**asked, **of_file, **code}))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = _flat(before), _flat(now)
    for field in [*old, *(field for field in new if field not in old)]:
        found, found_now = old.get(field), new.get(field)
        if found != found_now and not _adds(field, found, found_now, now):
            yield f"{field}: was {_shown(old, field)}, is {_shown(new, field)}"


def _adds(field: str, before: Any, now: Any, terms: Mapping[str, Any]) -> bool:
    """Whether the new value, of these terms, keeps all existing trials and only asks for more."""
    if field in ("search.trials_per_cell", "search.finalists"):  # None is as many as there are
        return before is not None and (now is None or now >= before)
    if field == "replicate.seeds":
        same_search = terms["protocol"] != "paper" or before[0] == now[0]
        fixed = terms["replicate"]["until"] is None  # else they say when verdicts are looked for
        return same_search and fixed and set(before) <= set(now)
    if field == "search.train_seeds":  # the first one prunes
        return before is not None and before == now[: len(before)]
    if field.startswith(f"{EXTENSIONS}."):
        return before is None
    if field.startswith("ablate."):  # every level as JSON, so that 1, 1.0 and true are three
        levels, levels_now = ([json.dumps(level) for level in found or ()] for found in (before, now))
        return before is not None and set(levels) <= set(levels_now)
    return False


def _flat(terms: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Every value by its dotted field; lists are values."""
    flat: dict[str, Any] = {}
    for name, value in terms.items():
        field = f"{above}{name}"
        flat |= _flat(cast(dict[str, Any], value), f"{field}.") if isinstance(value, dict) else {field: value}
    return flat


def _shown(values: Mapping[str, Any], field: str) -> str:
    return json.dumps(values[field], ensure_ascii=False) if field in values else "not there"


def _message(folder: Path | str, differences: list[str], files: list[str]) -> str:
    others = " and ".join([*(["settings"] if differences else []), *(["images or labels"] if files else [])])
    lines = "\n".join(f"  {difference}" for difference in [*differences, *files])
    return (
        f"{folder}: the study was started with other {others}, which decide what its trials are or what is concluded "
        f"from them:\n{lines}\n"
        "More trials per cell, more levels of a factor and, where their number is fixed, more seeds can be added at "
        "any time. For anything else give the study another name with --set study=NAME, which reuses every finished "
        "trial that is the same, or start afresh with --fresh, which moves this study aside."
        + (" To go on with its own images and labels, name their folder by --data-root." if files else "")
    )
