from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from ass_tune.tracker.outbox import Outbox, OutboxError, waiting_in
from tests.support.full_disk import no_file_larger_than
from tests.support.interrupts import interrupted


def bodies(outbox: Outbox) -> list[str]:
    return [entry.body for entry in outbox.read(1000)]


def filled(folder: Path, count: int = 5) -> Outbox:
    outbox = Outbox(folder)
    for number in range(count):
        outbox.append(f'{{"number":{number}}}')
    return outbox


def test_entries_come_back_in_the_order_of_their_appends(tmp_path: Path):
    outbox = filled(tmp_path)
    assert bodies(outbox) == [f'{{"number":{n}}}' for n in range(5)]
    assert [entry.sequence for entry in outbox.read(3)] == [1, 2, 3]
    assert outbox.waiting == 5


def test_reopening_yields_only_what_is_not_confirmed_and_goes_on_counting(tmp_path: Path):
    outbox = filled(tmp_path)
    outbox.confirm(outbox.read(3)[-1])
    outbox.close()
    again = Outbox(tmp_path)
    assert again.waiting == 2
    again.append('{"number":5}')
    assert [entry.sequence for entry in again.read(10)] == [4, 5, 6]


def test_what_waits_is_counted_without_a_touch_while_the_driver_writes(tmp_path: Path):
    assert waiting_in(tmp_path / "study") == 0
    outbox = filled(tmp_path / "study")
    outbox.confirm(outbox.read(2)[-1])
    with outbox.path.open("ab") as file:
        file.write(b'{"sequence":6,"check')
    before = {path: path.read_bytes() for path in outbox.path.parent.iterdir()}
    assert waiting_in(tmp_path / "study") == 3
    assert {path: path.read_bytes() for path in outbox.path.parent.iterdir()} == before
    (tmp_path / "study" / "outbox.confirmed").unlink()
    assert waiting_in(tmp_path / "study") == 5


def test_torn_last_line_is_dropped_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    outbox = filled(tmp_path)
    whole = outbox.path.read_bytes()
    outbox.append('{"long":"' + "x" * 10_000 + '"}')
    outbox.close()
    os.truncate(outbox.path, outbox.path.stat().st_size - 7)
    with caplog.at_level(logging.WARNING):
        again = Outbox(tmp_path)
    assert "dropped the last line" in caplog.text
    assert again.path.read_bytes() == whole
    again.append('{"number":5}')
    assert bodies(again)[-1] == '{"number":5}'
    assert len(bodies(again)) == 6


def test_file_that_is_one_torn_line_becomes_empty(tmp_path: Path):
    (tmp_path / "outbox.jsonl").write_bytes(b"x" * 9000)
    outbox = Outbox(tmp_path)
    assert outbox.waiting == 0
    assert outbox.path.stat().st_size == 0


def test_any_flipped_byte_or_cut_is_detected_or_harmless(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    outbox = filled(tmp_path)
    outbox.confirm(outbox.read(2)[-1])
    outbox.close()
    sound, confirmed = outbox.path.read_bytes(), (tmp_path / "outbox.confirmed").read_bytes()
    unconfirmed = bodies(Outbox(tmp_path))
    everything = [f'{{"number":{n}}}' for n in range(5)]
    random = np.random.default_rng(0)
    for case in range(200):
        damaged = {"outbox.jsonl": bytearray(sound), "outbox.confirmed": bytearray(confirmed)}
        content = damaged["outbox.jsonl" if case % 3 else "outbox.confirmed"]
        place = int(random.integers(len(content)))
        if case % 2:
            content[place] ^= int(random.integers(1, 256))
        else:
            del content[place:]
        for name, bytes_ in damaged.items():
            (tmp_path / name).write_bytes(bytes_)
        caplog.clear()
        read = bodies(Outbox(tmp_path))
        assert set(read) <= set(everything), "a damaged record must never come out"
        lost = [body for body in unconfirmed if body not in read]
        assert not lost or caplog.records or case % 2 == 0, f"case {case} lost {lost} silently"


def test_records_appended_after_the_file_was_lost_are_not_taken_for_confirmed(tmp_path: Path):
    outbox = filled(tmp_path)
    outbox.confirm(outbox.read(5)[-1])
    outbox.close()
    outbox.path.unlink()
    again = Outbox(tmp_path)
    again.append('{"number":5}')
    assert bodies(again) == ['{"number":5}']


def test_full_disk_is_a_clear_error_and_leaves_the_file_whole(tmp_path: Path):
    outbox = Outbox(tmp_path)
    appended = 0
    with (
        no_file_larger_than(4096),
        pytest.raises(OutboxError, match=r"cannot record to .*outbox\.jsonl: File too large"),
    ):
        while appended < 4096:
            outbox.append('{"filler":"0123456789"}')
            appended += 1
    assert outbox.path.read_bytes().endswith(b"}\n")
    assert outbox.waiting == len(bodies(outbox)) == appended
    outbox.close()
    assert Outbox(tmp_path).waiting == appended


def test_an_interrupt_at_any_moment_leaves_nothing_to_contradict(tmp_path: Path):
    outbox = Outbox(tmp_path)
    for seconds in np.random.default_rng(0).uniform(0.001, 0.01, size=30):
        outbox.append('{"report":0}')
        interrupted(lambda: outbox.append('{"report":1}'), seconds)
        assert outbox.waiting == len(outbox.read(10_000))
    assert Outbox(tmp_path).waiting == outbox.waiting > 30


def test_records_of_one_event_are_appended_together_or_not_at_all(tmp_path: Path):
    outbox = filled(tmp_path, 1)
    outbox.append('{"number":1}', '{"number":2}')
    assert [(entry.sequence, entry.body) for entry in outbox.read(9)] == [
        (n + 1, f'{{"number":{n}}}') for n in range(3)
    ]
    before = outbox.path.read_bytes()
    with no_file_larger_than(len(before) + 100), pytest.raises(OutboxError, match="File too large"):
        outbox.append('{"number":3}', '{"filler":"' + "x" * 200 + '"}')
    assert outbox.path.read_bytes() == before
    assert outbox.waiting == 3
