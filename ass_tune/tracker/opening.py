"""What the parent run of a study holds besides its trials: the file, the plan, the environment, the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from ass_tune.arguments import Arguments
from ass_tune.ledger.safe_paths import file_name
from ass_tune.plan.study_plan import StudyPlan
from ass_tune.spec import StudySpec
from ass_tune.tracker.destination import remember_store, study_identity
from ass_tune.tracker.environment import environment, source_tags
from ass_tune.tracker.store import mlflow_store
from ass_tune.tracker.tracker import Tracker
from trainables.domains.data_files import NO_FILES, DataFiles
from trainables.domains.pairs import PART, definition
from trainables.storage import Storage

PROJECT = Path(__file__).parents[2]
PAIR_FILE = "pair.yaml"
DATA_FILES = "tracking/data_files.parquet"
APART = True
"""Whether a process of its own writes to MLflow, and not a thread of the driver."""


def open_tracker(
    spec: StudySpec,
    plan: StudyPlan,
    folder: Storage,
    arguments: Arguments,
    cluster: Mapping[str, float],
    data: DataFiles = NO_FILES,
) -> Tracker:
    """Begin the study's parent run with the file as written, the study as resolved, the plan and the environment.

    `cluster` has the amounts of what Ray can hand out, by name. Of `data` the digest is a parameter, and the list of
    files an artifact, unless there are none.
    """
    studies = arguments.studies
    store = mlflow_store(studies.folder, arguments.tracking_uri)
    remember_store(folder, studies.folder, store)
    identity, common = study_identity(folder), source_tags(PROJECT)
    disk = studies.disk_of(spec.study)
    tracker = Tracker(spec.study, disk, store, files=folder, instance=identity, common_tags=common, apart=APART)
    settings = {name: getattr(spec, name) for name in ("trainable", "domains", "profile", "protocol")}
    if data.digest:
        sizes = ", ".join(f"{images} {name}" for name, images in data.sizes.items())
        settings |= {"data": data.digest, "images": sizes}
    lengths = {"iterations": spec.train.iterations, "evaluate_every": spec.train.evaluate_every}
    seeds = {"train_seeds": plan.train_seeds, "seeds": plan.seeds}
    tracker.start({**settings, **lengths, "sampler": plan.sampler, "pruner": plan.pruner, **seeds}, settings)
    if spec.file is not None:
        tracker.study_text(f"written_{file_name(spec.file.name)}", spec.file.read_text(encoding="utf-8-sig"))
    resolved = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if (pair := definition(spec.domains)) is not None:  # what was run can be run again from these two files
        tracker.study_text(PAIR_FILE, yaml.safe_dump(pair, sort_keys=False))
        _, part, images = spec.domains.partition(PART)
        resolved["domains"] = f"{PAIR_FILE}{part}{images}"
    tracker.study_text("resolved.yaml", yaml.safe_dump(resolved, sort_keys=False))
    tracker.study_text("plan.json", plan.model_dump_json(indent=2))
    if data.digest:
        folder.write_bytes(DATA_FILES, data.to_parquet())
        tracker.study_file(DATA_FILES)
    tracker.offer_views([planned.cell for planned in plan.cell_plans], list(spec.tune), spec.protocol, spec.objective)
    tracker.study_text("environment.json", json.dumps(environment(PROJECT, cluster), indent=2))
    return tracker
