"""The GPUs that a driver tells of, and those of them that trials see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ass_tune.plan.gpus import Gpu, gpus_here, visible
from tests.support.driver import answer_as_driver

GPUS = (Gpu("GPU-aa01", 24564 * 2**20), Gpu("GPU-bb02", 81559 * 2**20))
LINES = ("GPU-aa01, 24564", "GPU-bb02, 81559")


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpus_here.cache_clear()
    yield
    gpus_here.cache_clear()


def test_the_driver_tells_of_its_gpus_and_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_as_driver(tmp_path, monkeypatch, *LINES)
    assert gpus_here() == GPUS


def test_where_there_is_no_driver_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus_here() == ()


@pytest.mark.parametrize(("lines", "status"), [((), 0), (("No devices were found",), 6), (("GPU-aa01, [N/A]",), 0)])
def test_a_driver_that_cannot_tell_has_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], status: int
) -> None:
    answer_as_driver(tmp_path, monkeypatch, *lines, status=status)
    assert gpus_here() == ()


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        (None, GPUS),
        ("", ()),
        ("-1", ()),
        ("1", GPUS[1:]),
        ("1,0", GPUS[::-1]),
        ("0, 1", GPUS),
        ("GPU-bb", GPUS[1:]),
        ("0,7,1", GPUS[:1]),
        ("NoDevFiles", ()),
    ],
)
def test_the_environment_hides_gpus_from_trials(setting: str | None, seen: tuple[Gpu, ...]) -> None:
    assert visible(GPUS, setting) == seen
