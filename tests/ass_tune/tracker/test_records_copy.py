"""An outbox in a folder where no file can grow: complete, in order, and never mixed with another driver's."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analysis.readers.folder import read_folder, segments
from analysis.records import OUTBOX, STUDY_KEY, Metrics, Record, RunStarted, encode
from ass_tune.tracker import records_copy
from ass_tune.tracker.outbox import Outbox
from ass_tune.tracker.records_copy import RecordsCopy, fetch_records, records_kept, unconfirmed_in
from tests.support.mlflow_server import wait_until
from tests.support.object_store import ObjectStore, gate, variables
from trainables.mistakes import CannotRecord
from trainables.storage import Storage


@pytest.fixture
def files(tmp_path: Path) -> Storage:
    """Where every machine can reach it."""
    return Storage(str(tmp_path / "bucket" / "csa"))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_copy, "SEGMENT", 400)


def report(step: int, value: float = 0.0) -> Record:
    return Metrics("trial", step, 1.0 * step, {"select/miou": value})


def written(folder: Path, *records: Record) -> Path:
    """The outbox of a driver's disk with more records."""
    outbox = Outbox(folder)
    for record in records:
        outbox.append(encode(record))
    outbox.close()
    return folder / OUTBOX


def in_parts(files: Storage) -> bytes:
    return b"".join(map(files.read_bytes, segments(files)))


def test_what_is_appended_arrives_in_parts_of_whole_lines(files: Storage, tmp_path: Path) -> None:
    copy = RecordsCopy(written(tmp_path / "one", report(1)), files)
    for step in range(2, 30):
        copy.bring()
        outbox = written(tmp_path / "one", report(step))
    copy.bring()
    assert in_parts(files) == outbox.read_bytes()
    assert len(segments(files)) > 5
    assert all(files.read_bytes(name).endswith(b"\n") for name in segments(files))
    before = {name: files.read_bytes(name) for name in files.list_all("")}
    copy.bring()
    assert {name: files.read_bytes(name) for name in files.list_all("")} == before


def test_a_later_driver_on_the_same_disk_goes_on_where_the_copy_ends(files: Storage, tmp_path: Path) -> None:
    for step in range(1, 20):
        outbox = written(tmp_path / "one", report(step))
        assert fetch_records(files, tmp_path / "one") is False
        RecordsCopy(outbox, files).bring()
    assert in_parts(files) == outbox.read_bytes()


def test_a_driver_elsewhere_goes_on_with_all_of_it(files: Storage, tmp_path: Path) -> None:
    first = written(tmp_path / "one", *map(report, range(1, 20)))
    outbox = Outbox(tmp_path / "one")
    outbox.confirm(outbox.read(5)[-1])
    outbox.set_aside(outbox.read(1)[0], "refused")
    RecordsCopy(first, files).bring()
    assert unconfirmed_in(files) == 14
    assert fetch_records(files, tmp_path / "two") is True
    assert (tmp_path / "two" / OUTBOX).read_bytes() == first.read_bytes()
    second = Outbox(tmp_path / "two")
    assert (second.waiting, second.set_aside_count) == (14, 1)
    assert fetch_records(files, tmp_path / "two") is False


def test_records_that_mlflow_has_and_the_copy_lacks_do_not_hide_later_ones(files: Storage, tmp_path: Path) -> None:
    """A driver's disk was lost after MLflow had its last records and before these were copied."""
    first = written(tmp_path / "one", *map(report, range(1, 4)))
    RecordsCopy(first, files).bring()
    written(tmp_path / "one", report(4), report(5))
    outbox = Outbox(tmp_path / "one")
    outbox.confirm(outbox.read(5)[-1])
    files.write_bytes("records/outbox.confirmed", (tmp_path / "one" / "outbox.confirmed").read_bytes())
    fetch_records(files, tmp_path / "two")
    written(tmp_path / "two", report(4))
    assert [line.sequence for line in Outbox(tmp_path / "two").read(10)] == [1, 2, 3, 4]


def test_of_two_outboxes_the_copy_counts_and_the_other_is_kept(files: Storage, tmp_path: Path) -> None:
    """The first driver died with records that were not copied, another one went on elsewhere, now it is back."""
    first = written(tmp_path / "one", *map(report, range(1, 9)))
    RecordsCopy(first, files).bring()
    lost = written(tmp_path / "one", report(9, 1.0)).read_bytes()
    fetch_records(files, tmp_path / "two")
    second = written(tmp_path / "two", report(9, 2.0), report(10))
    RecordsCopy(second, files).bring()
    assert fetch_records(files, tmp_path / "one") is True
    assert first.read_bytes() == second.read_bytes() == in_parts(files)
    assert (tmp_path / "one" / "outbox.replaced-1.jsonl").read_bytes() == lost


def test_a_copy_whose_driver_died_before_it_said_how_long_it_is_still_counts(files: Storage, tmp_path: Path) -> None:
    first = written(tmp_path / "one", *map(report, range(1, 9)))
    RecordsCopy(first, files).bring()
    files.delete("records/state.json")
    assert fetch_records(files, tmp_path / "one") is False
    assert fetch_records(files, tmp_path / "two") is True


def test_a_study_is_read_from_its_copy(files: Storage, tmp_path: Path) -> None:
    begun = [RunStarted(STUDY_KEY, "csa", 1.0, tags={"stage": "study"})]
    begun += [RunStarted("trial", "joint", 1.0, STUDY_KEY, tags={"stage": "tuning"}), *map(report, range(1, 9))]
    outbox = written(tmp_path / "one", *begun)
    RecordsCopy(outbox, files).bring()
    here, there = read_folder(tmp_path / "one", files), read_folder(files)
    assert there.trials.equals(here.trials)
    assert there.metric("select/miou").equals(here.metric("select/miou"))


def test_the_end_of_a_driver_says_what_could_not_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(Storage):
        is_local = property(lambda self: False)
        impatient = property(lambda self: self)

        def write_bytes(self, name: str, content: bytes) -> None:
            raise OSError("AWS Error NETWORK_CONNECTION during PutObject operation")

    monkeypatch.setattr(records_copy, "SECONDS_AT_THE_END", 0.1)
    heard: list[str | None] = []
    away = Away(str(tmp_path / "bucket"))
    monkeypatch.setattr(Storage, "_opened", Storage(str(tmp_path / "bucket"))._opened)
    with pytest.raises(CannotRecord, match=r"the last records are not in .* NETWORK_CONNECTION .*run the same command"):
        with records_kept(away, tmp_path / "one", heard.append):
            written(tmp_path / "one", report(1))
    assert heard[0] is not None


def test_whoever_insists_does_not_wait_for_a_storage_that_is_away(
    object_store: ObjectStore,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[str | None] = []
    with gate(object_store.port) as way:
        for name, value in variables(way.port).items():
            monkeypatch.setenv(name, value)
        files, begun = Storage(f"s3://{bucket}/lab/csa"), float("inf")
        with pytest.raises(KeyboardInterrupt), records_kept(files, tmp_path / "one", heard.append):
            way.close()
            outbox = written(tmp_path / "one", report(1))
            wait_until(lambda: heard)
            begun = time.monotonic()
            raise KeyboardInterrupt
        assert time.monotonic() - begun < records_copy.SECONDS_AT_THE_END / 2
        assert f"the last records are not in s3://{bucket}/lab/csa yet" in caplog.text
        way.open()
        with records_kept(files, tmp_path / "one", heard.append):
            pass
        assert in_parts(files) == outbox.read_bytes()
