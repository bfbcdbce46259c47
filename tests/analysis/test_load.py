from __future__ import annotations

import csv
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mlflow.tracking import MlflowClient

from analysis.load import load_study
from analysis.readers.api import read_through_api
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.trials_table import trials_table
from ass_tune.tracker.store import MlflowStore, mlflow_store
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import End, Report, Trial
from tests.support.mlflow_server import free_port, mlflow_server
from trainables.credentials import without_credentials
from trainables.mistakes import UserMistake
from trainables.storage import Storage
from trainables.words import REPORT, SELECT, Cell, Outcome, Stage

PRUNED = """
study: pruned
trainable: curves
domains: synthetic
profile: synthetic
baseline: {adaptor: joint}
ablate: {adaptor: [joint, ga+csa], labeled_images: [5]}
tune:
  lambda_sadv: {type: log_uniform, low: 0.01, high: 100}
  lr: {type: log_uniform, low: 0.005, high: 0.1}
search: {sampler: random, trials_per_cell: 6}
prune: {pruner: median, start: 0.5, startup_trials: 2}
replicate: {seeds: [0, 1, 2]}
train: {iterations: 60, evaluate_every: 20}
"""


@pytest.fixture(scope="module")
def server(recorded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The database of the recorded study behind a tracking server; its address."""
    port = free_port()
    with mlflow_server(port, MlflowStore(recorded.uri), tmp_path_factory.mktemp("artifacts")):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def copied(recorded, tmp_path: Path) -> str:
    """The database of the recorded study, to be changed by a test; its URI."""
    shutil.copy(recorded.folder / "mlflow.db", tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def equal(ours: pa.Table, theirs: pa.Table) -> bool:
    """Bit for bit: NaN is NaN, 0 is not -0, infinity is what MLflow makes of it."""
    return ours.schema == theirs.schema and ours.to_pandas().map(bits).equals(theirs.to_pandas().map(bits))


def bits(value: object) -> str:
    return struct.pack("d", value).hex() if isinstance(value, float) else repr(value)


def members(client: MlflowClient, study: Study) -> list[str]:
    """Runs of a study as MLflow lists them."""
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    return [run.info.run_id for run in client.search_runs([experiment.experiment_id], max_results=1000)]


def test_a_server_and_its_database_give_the_same_study(recorded, server: str) -> None:
    ours, theirs = load_study(recorded.name, recorded.uri), load_study(recorded.name, server)
    assert equal(ours.trials, theirs.trials)
    assert equal(ours.reports, theirs.reports)
    assert len(ours.trials) == 25
    for run in ours.trials["run"].to_pylist():
        assert ours.files.paths(run) == theirs.files.paths(run)
    assert ours.settings == theirs.settings
    assert ours.plan == theirs.plan


def test_a_server_that_answers_page_by_page_gives_all_pages(recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.readers.api.PAGE", 6)
    ours = load_study(recorded.name, recorded.uri)
    trials, reports = read_through_api(MlflowClient(recorded.uri), recorded.uri, ours.run)
    assert equal(ours.trials, trials)
    assert equal(ours.reports, reports)


def test_every_value_is_the_one_that_mlflow_has(recorded) -> None:
    study, client = load_study(recorded.name, recorded.uri), MlflowClient(recorded.uri)
    points = {
        (run, metric, point.step, point.timestamp, bits(point.value))
        for run in members(client, study)
        for metric in client.get_run(run).data.metrics
        for point in client.get_metric_history(run, metric)
    }
    found = study.reports.set_column(3, "time", study.reports["time"].cast(pa.int64())).to_pylist()
    assert {(row["run"], row["metric"], row["iteration"], row["time"], bits(row["value"])) for row in found} == points
    assert len(found) == len(points) > 500


def test_every_run_has_the_settings_tags_and_times_that_mlflow_has(recorded) -> None:
    study, client = load_study(recorded.name, recorded.uri), MlflowClient(recorded.uri)
    rows = study.trials.to_pylist()
    assert rows[0]["stage"] == "study"
    assert sorted(row["run"] for row in rows) == sorted(members(client, study))
    for row in rows:
        run = client.get_run(row["run"])
        assert (dict(row["params"]), dict(row["tags"])) == (run.data.params, run.data.tags)
        assert (row["name"], row["status"]) == (run.info.run_name, run.info.status)
        times = [round(row[name].timestamp() * 1000) for name in ("start", "end")]
        assert times == [run.info.start_time, run.info.end_time]


def test_the_last_value_of_a_metric_is_the_one_that_mlflow_shows(recorded) -> None:
    study, client = load_study(recorded.name, recorded.uri), MlflowClient(recorded.uri)
    shown = {run: client.get_run(run).data.metrics for run in members(client, study)}
    for metric in study.metrics:
        found = {run: bits(value) for run, value in study.last(metric).items()}
        assert found == {run: bits(values[metric]) for run, values in shown.items() if metric in values}


def test_deleted_runs_are_left_out(copied: str) -> None:
    whole, client = load_study("recorded", copied), MlflowClient(copied)
    deleted = whole.results(whole.cells[0])[1]
    client.delete_run(deleted)
    study = load_study("recorded", copied)
    assert set(whole.trials["run"].to_pylist()) - set(study.trials["run"].to_pylist()) == {deleted}
    assert deleted not in study.reports["run"].to_pylist()
    assert sorted(study.results(study.cells[0])) == [0, 2]
    trials, reports = read_through_api(client, copied, study.run)
    assert equal(study.trials, trials) and equal(study.reports, reports)


def test_of_a_study_begun_afresh_only_the_newest_is_taken(copied: str) -> None:
    folder = Path(copied.removeprefix("sqlite:///")).parent
    for instance in ("first", "second"):
        record_one_trial(folder, copied, instance)
    study = load_study("afresh", copied)
    assert study.trials["name"].to_pylist() == ["afresh", "ga · tuning 0"]
    assert {dict(tags)["ass_tune.study"] for tags in study.trials["tags"].to_pylist()} == {"second"}
    assert study.reports["value"].to_pylist() == [30.0]
    MlflowClient(copied).delete_run(study.run)
    assert load_study("afresh", copied).run != study.run


def record_one_trial(folder: Path, uri: str, instance: str) -> None:
    files = Storage(str(folder / instance))
    tracker = Tracker("afresh", files.local_path(), mlflow_store(folder, uri), files=files, instance=instance)
    tracker.start({}, {})
    trial = Trial("a" * 16, Cell((("adaptor", "ga"),)), Stage.TUNING, 0, 0, {}, {"seed": 0})
    tracker.trial_started(trial)
    tracker.trial_reported(trial, Report(10, {SELECT: 30.0}, 1_700_000_000.0))
    tracker.trial_ended(trial, End(Outcome.FINISHED, 10, 1_700_000_001.0))
    tracker.end()
    assert tracker.close(60) == 0


def test_a_study_that_has_reported_nothing_yet_is_empty(copied: str) -> None:
    client = MlflowClient(copied)
    parent = client.create_run(client.create_experiment("begun"), tags={"stage": "study"}).info.run_id
    study = load_study("begun", copied)
    assert (study.run, len(study.trials), len(study.reports), study.metrics) == (parent, 1, 0, ())


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all(copied: str) -> None:
    with pytest.raises(UserMistake, match=r"no study 'recoded' in sqlite:.*; did you mean 'recorded'\?"):
        load_study("recoded", copied)
    with pytest.raises(UserMistake, match=r"no study 'q' in .*; studies there: recorded, template$"):
        load_study("q", copied)
    client = MlflowClient(copied)
    client.delete_experiment(client.create_experiment("q"))
    with pytest.raises(UserMistake, match="no study 'q'"):
        load_study("q", copied)


def test_an_experiment_of_somebody_else_is_no_study(copied: str) -> None:
    client = MlflowClient(copied)
    client.create_run(client.create_experiment("mine"))
    with pytest.raises(UserMistake, match="experiment 'mine' holds no study: none of its runs has the tag stage=study"):
        load_study("mine", copied)


def test_passwords_are_not_shown(server: str) -> None:
    address = server.removeprefix("http://")
    nobody = f"127.0.0.1:{free_port()}"
    uris = (
        f"http://annabel:s3cr@t@{nobody}",
        f"postgresql://annabel:s3cr@t@{nobody}/mlflow",
        f"foo://annabel:s3cr@t@{nobody}",
    )
    for uri in (f"http://annabel:s3cr@t@{address}", *uris):
        with pytest.raises(UserMistake) as caught:
            load_study("unknown", uri)
        shown = str(caught.value)
        assert uri.rpartition("@")[2] in shown
        assert "s3cr" not in shown and "annabel" not in shown
    assert without_credentials("sqlite:////home/ann@work/mlflow.db") == "sqlite:////home/ann@work/mlflow.db"


def test_a_file_that_is_no_database_is_a_mistake_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, though long enough to be one\n" * 20)
    for name, message in (("notes.txt", "notes.txt is no SQLite database"), ("none.db", "no database")):
        with pytest.raises(UserMistake, match=message):
            load_study("recorded", f"sqlite:///{tmp_path / name}")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_mlflow_is_where_the_environment_says_or_in_studies(
    recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserMistake, match=r"no database .*studies/mlflow\.db: say where MLflow is"):
        load_study("recorded")
    (tmp_path / "studies").mkdir()
    shutil.copy(recorded.folder / "mlflow.db", tmp_path / "studies")
    assert len(load_study("recorded").trials) == 25
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    with pytest.raises(UserMistake, match=r"no database .*elsewhere\.db"):
        load_study("recorded")


@pytest.mark.slow
def test_the_runs_of_the_studys_own_table_are_chosen(studies, write_file, monkeypatch: pytest.MonkeyPatch) -> None:
    done = studies.run(write_file(PRUNED))
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.chdir(studies.folder.parent)
    study = load_study("pruned")
    frame = study.frame
    assert set(frame["outcome"]) == {"finished", "pruned"}
    assert sorted(frame["stage"].unique()) == ["replicate", "tuning"]
    with (studies.folder / "pruned/tables/table.csv").open() as file:
        table = {row["adaptor"]: row for row in csv.DictReader(file)}
    select = study.last(SELECT)
    of_seeds = {cell.levels["adaptor"]: study.results(cell) for cell in study.cells}
    for cell in study.cells:
        row, runs = table[cell.levels["adaptor"]], of_seeds[cell.levels["adaptor"]]
        chosen = frame[(frame["cell"] == cell.name) & frame["chosen"]]
        assert set(chosen["run"]) == set(runs.values())
        assert sorted(runs) == [0, 1, 2] and row["seeds"] == "3"
        mious = np.asarray(chosen[REPORT])
        assert mious.mean() == pytest.approx(float(row["report_miou"]), rel=1e-12)
        assert mious.std(ddof=1) == pytest.approx(float(row["report_std"]), rel=1e-9)
        assert sum(select[run] for run in runs.values()) / 3 == pytest.approx(float(row["select_miou"]), rel=1e-12)
        assert chosen["lr"].tolist() == [float(row["best_lr"])] * 3
        assert [(frame["cell"] == cell.name).sum(), cell.tuned] == [9, CELLS[cell.levels["adaptor"]]]
    baseline = study.baseline_of(study.cells[1])
    assert baseline == study.cells[0] == study.baseline_of(study.cells[0])
    (gain,) = Judged(study).primary
    for name in ("gain", "low", "high"):
        column = name if name == "gain" else f"gain_{name}"
        assert getattr(gain.comparison, name) == pytest.approx(float(table["ga+csa"][column]), rel=1e-9)


CELLS = {"joint": ("lr",), "ga+csa": ("lambda_sadv", "lr")}
"""What each adaptor tunes."""


def test_trials_of_one_millisecond_are_in_the_order_of_what_they_are() -> None:
    """The names of runs are drawn anew in every MLflow that a study is brought into."""
    tags = [{"cell": "adaptor=ga", "stage": "tuning", "number": str(number)} for number in (10, 9)]
    for runs in (("a", "b"), ("b", "a")):
        rows = [
            {"run": run, "name": run, "status": "FINISHED", "start": 1000, "end": 2000, "params": {}, "tags": found}
            for run, found in zip(runs, tags, strict=True)
        ]
        assert trials_table(rows)["number"].to_pylist() == [9, 10]


def test_a_database_server_that_is_away_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("mlflow.store.db.utils.time.sleep", pauses.append)
    with pytest.raises(UserMistake, match=r"MLflow in postgresql://127\.0\.0\.1:\d+/mlflow: .*refused"):
        load_study("unknown", f"postgresql://127.0.0.1:{free_port()}/mlflow")
    assert sum(pauses) < 1
