"""A study may ask for more than before, never for other settings, images or labels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage

from ass_tune.ledger.ledger import open_journal
from ass_tune.ledger.terms import ChangedStudy, agree
from ass_tune.spec import StudySpec
from trainables.curves import CurvesConfig
from trainables.domains.data_files import NO_FILES, DataFiles
from trainables.storage import Storage

Spec = Callable[..., StudySpec]
LR = {"type": "log_uniform", "low": 0.01, "high": 0.1}
FOLDER = Path("studies/driven")


@pytest.fixture
def storage(spec: Spec, driven: Callable) -> InMemoryStorage:
    """The ledger of a study that has begun a trial."""
    storage = InMemoryStorage()
    agree(storage, spec(), FOLDER)
    driven(spec(), storage).director.next_trial()
    return storage


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"search": {"sampler": "random", "trials_per_cell": 7}},
        {"ablate": {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [50, 20, 5]}},
        {"replicate": {"seeds": [7, 1, 0]}},
        {"search": {"sampler": "random", "trials_per_cell": 6, "train_seeds": [1000, 1001]}},
        {"resources": {"cpu": 2}, "faults": {"tries": 5}, "checkpoints": {"keep_pruned": True}},
    ],
    ids=lambda sections: ",".join(sections) or "nothing",
)
def test_what_adds_is_taken_and_from_then_on_part_of_the_study(
    spec: Spec, storage: InMemoryStorage, sections: dict[str, Any]
) -> None:
    agree(storage, spec(**sections), FOLDER)
    if sections.keys() & {"search", "ablate", "replicate"}:
        with pytest.raises(ChangedStudy):
            agree(storage, spec(), FOLDER)
    agree(storage, spec(**sections), FOLDER)


@pytest.mark.parametrize(
    ("sections", "difference"),
    [
        ({"train": {"iterations": 200, "evaluate_every": 10}}, "train.iterations: was 100, is 200"),
        ({"tune": {"lr": LR}}, 'tune.lambda_sadv.type: was "log_uniform", is not there'),
        ({"tune": {"lr": {**LR, "high": 0.2}, "lambda_sadv": LR}}, "tune.lr.high: was 0.1, is 0.2"),
        ({"fixed": {"noise": 0.1}}, "fixed.noise: was not there, is 0.1"),
        ({"search": {"sampler": "tpe", "trials_per_cell": 6}}, 'search.sampler: was "random", is "tpe"'),
        ({"search": {"sampler": "random", "trials_per_cell": 5}}, "search.trials_per_cell: was 6, is 5"),
        ({"replicate": {"seeds": [0, 2]}}, "replicate.seeds: was [0, 1], is [0, 2]"),
        (
            {"search": {"sampler": "random", "trials_per_cell": 6, "train_seeds": [1001, 1000]}},
            "search.train_seeds: was [1000], is [1001, 1000]",
        ),
        (
            {"replicate": {"seeds": [0, 1], "at_most": 5, "until": "decided"}, "baseline": {"adaptor": "joint"}},
            'replicate.until: was null, is "decided"',
        ),
        ({"design": "one_at_a_time"}, 'design: was not there, is "one_at_a_time"'),
        ({"baseline": {"adaptor": "ga"}}, 'baseline.adaptor: was not there, is "ga"'),
        ({"compare": {"smallest_difference": 0.5}}, "compare.smallest_difference: was 1.0, is 0.5"),
        ({"control": {"adaptor": "joint"}}, 'control.adaptor: was not there, is "joint"'),
        ({"ablate": {"adaptor": ["joint", "ga"], "labeled_images": [5, 50]}}, "ablate.adaptor: was "),
        ({"ablate": {"adaptor": ["joint", "ga", "ga+csa"]}}, "ablate.labeled_images: was [5, 50], is not there"),
        ({"prune": {"pruner": "median"}}, 'prune.pruner: was "none", is "median"'),
        ({"protocol": "paper"}, 'protocol: was "split", is "paper"'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_alter_trials_is_refused_with_the_difference(
    spec: Spec, storage: InMemoryStorage, sections: dict[str, Any], difference: str
) -> None:
    with pytest.raises(ChangedStudy) as refused:
        agree(storage, spec(**sections), FOLDER)
    assert f"\n  {difference}" in str(refused.value)
    assert str(refused.value).startswith("studies/driven: the study was started with other settings")
    assert "--fresh" in str(refused.value)
    assert "--set study=NAME" in str(refused.value)
    agree(storage, spec(), FOLDER)


@pytest.mark.parametrize("replicate", [{"seeds": [0, 1, 2]}, {"at_most": 6}, {"until": None}], ids=str)
def test_when_verdicts_are_looked_for_does_not_change_afterwards(
    spec: Spec, driven: Callable, replicate: dict[str, Any]
) -> None:
    storage = InMemoryStorage()
    until = {"seeds": [0, 1], "at_most": 5, "until": "decided"}
    agree(storage, spec(replicate=until), FOLDER)
    driven(spec(replicate=until), storage).director.next_trial()
    with pytest.raises(ChangedStudy, match=r"replicate\.(seeds|at_most|until): was"):
        agree(storage, spec(replicate=until | replicate), FOLDER)


def test_all_differences_are_told_at_once(spec: Spec, storage: InMemoryStorage) -> None:
    with pytest.raises(ChangedStudy) as refused:
        agree(storage, spec(fixed={"noise": 0.1}, train={"iterations": 50, "evaluate_every": 5}), FOLDER)
    assert [line.split(":")[0].strip() for line in str(refused.value).splitlines() if line.startswith("  ")] == [
        "train.iterations",
        "train.evaluate_every",
        "fixed.noise",
    ]


def test_other_code_is_a_difference(spec: Spec, storage: InMemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CurvesConfig, "code_version", classmethod(lambda cls, domains: "0123456789abcdef"))
    with pytest.raises(ChangedStudy, match=r'code version: was "[0-9a-f]{16}", is "0123456789abcdef"'):
        agree(storage, spec(), FOLDER)


def test_a_study_that_has_begun_no_trial_may_change_in_any_way(spec: Spec) -> None:
    storage = InMemoryStorage()
    agree(storage, spec(), FOLDER)
    agree(storage, spec(train={"iterations": 50, "evaluate_every": 5}), FOLDER)


def files(changed: str = "", images: int = 3) -> DataFiles:
    """Made up files of two sets, one of which may have other content."""
    names = {name: [f"{name}/{number:05d}.png" for number in range(images)] for name in ("source", "target_report")}
    content = {file: hashlib.sha256(file.encode()).digest()[:16] for of_set in names.values() for file in of_set}
    content |= {changed: bytes(16)}
    return DataFiles({name: [(file, content[file]) for file in of_set] for name, of_set in names.items()})


@pytest.fixture(params=["journal", "database"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
    if request.param == "journal":
        return open_journal(Storage(str(tmp_path)))
    return RDBStorage(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_other_data_is_refused_and_the_first_file_that_differs_is_named(
    spec: Spec, driven: Callable, ledger: BaseStorage
) -> None:
    agree(ledger, spec(), FOLDER, files(images=4000))
    driven(spec(), ledger).director.next_trial()
    agree(ledger, spec(), FOLDER, files(images=4000))
    with pytest.raises(ChangedStudy) as refused:
        agree(ledger, spec(), FOLDER, files("target_report/03210.png", images=4000))
    message = str(refused.value)
    assert message.startswith("studies/driven: the study was started with other images or labels, which decide what")
    assert "\n  target_report: target_report/03210.png is changed (1 changed in this set)\n" in message
    assert message.endswith("To go on with its own images and labels, name their folder by --data-root.")
    agree(ledger, spec(replicate={"seeds": [0, 1, 2, 3]}), FOLDER, files(images=4000))


def test_other_settings_and_other_data_are_told_at_once(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    agree(storage, spec(), FOLDER, files())
    driven(spec(), storage).director.next_trial()
    with pytest.raises(ChangedStudy) as refused:
        agree(storage, spec(fixed={"noise": 0.1}), FOLDER, files(images=2))
    message = str(refused.value)
    assert "started with other settings and images or labels" in message
    assert [line for line in message.splitlines() if line.startswith("  ")] == [
        "  fixed.noise: was not there, is 0.1",
        "  source: source/00002.png is missing (1 missing in this set)",
        "  target_report: target_report/00002.png is missing (1 missing in this set)",
    ]


def test_a_study_that_has_begun_no_trial_may_have_other_data(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    for data in (files(), NO_FILES, files("source/00000.png")):
        agree(storage, spec(), FOLDER, data)
    driven(spec(), storage).director.next_trial()
    agree(storage, spec(), FOLDER, files("source/00000.png"))
    with pytest.raises(ChangedStudy, match=r"source: source/00000\.png is changed"):
        agree(storage, spec(), FOLDER, files())


def test_a_study_in_which_a_seed_of_the_table_searched_is_refused(spec: Spec, storage: InMemoryStorage) -> None:
    study = optuna.load_study(study_name="driven", storage=storage)
    terms = study.user_attrs["terms"]
    older = {**terms, "search": {name: value for name, value in terms["search"].items() if name != "train_seeds"}}
    study.set_user_attr("terms", older)
    with pytest.raises(ChangedStudy, match=r"search\.train_seeds: was not there, is \[1000\]"):
        agree(storage, spec(), FOLDER)


def test_under_the_papers_protocol_the_first_seed_stays_the_one_that_searches(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    agree(storage, spec(protocol="paper"), FOLDER)
    driven(spec(protocol="paper"), storage).director.next_trial()
    agree(storage, spec(protocol="paper", replicate={"seeds": [0, 2, 1]}), FOLDER)
    with pytest.raises(ChangedStudy, match=r"replicate\.seeds: was "):
        agree(storage, spec(protocol="paper", replicate={"seeds": [2, 0, 1]}), FOLDER)
