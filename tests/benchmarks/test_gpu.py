from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rich.console import Console

from benchmarks.drawn_pair import DrawnPair
from benchmarks.gpu import Effort, measure_scenes
from benchmarks.gpu_scene import BFLOAT16, FLOAT32, PAPER, TF32, TOY, arithmetics
from benchmarks.gpu_steps import Side, opponent, sides


def test_without_a_gpu_everything_runs_at_toy_size_and_says_so() -> None:
    result = measure_scenes("cpu", {TOY: Effort((), 1)})
    console = Console(record=True, width=200)
    console.print(*result.shown, sep="\n")
    said = console.export_text()
    assert "No GPU" in said and "AdaptSegNet, float32" in said
    figures = result.figures
    assert figures["toy_cpu_float32_gradient_error"] < 1e-4 < figures["toy_cpu_bfloat16_gradient_error"]
    assert figures["toy_float32_peer_loss_difference"] < 1e-5
    assert all(figures[f"toy_{kind}_steps_per_s"] > 0 for kind in ("float32_peer", "float32", "bfloat16"))
    assert figures["toy_float32_memory_ratio"] == pytest.approx(1, rel=0.02)


def test_a_gpu_has_three_arithmetics_and_the_peer_two() -> None:
    assert arithmetics("cuda") == (FLOAT32, TF32, BFLOAT16)
    found = sides("cuda", [BFLOAT16])
    assert [side.arithmetic for side in found if side.peer] == [FLOAT32, TF32]
    assert [side.arithmetic for side in found if side.compiled] == [BFLOAT16]
    assert len({side.key for side in found}) == len(found)
    assert opponent(Side(FLOAT32), found) == found[0]
    assert opponent(Side(BFLOAT16), found) == opponent(Side(TF32, compiled=True), found) == found[1]
    assert opponent(Side(BFLOAT16), sides("cpu", [])) == found[0]


def test_an_arithmetic_leaves_torchs_settings_as_they_were() -> None:
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    for arithmetic in (FLOAT32, TF32):
        with arithmetic.used():
            assert torch.backends.cudnn.allow_tf32 is torch.backends.cuda.matmul.allow_tf32 is arithmetic.tf32
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == before


def test_at_the_papers_size_the_source_is_larger(tmp_path: Path) -> None:
    assert PAPER.title == "ResNet-101 at 1280x720 and 1024x512"
    pair = DrawnPair((32, 16), images=2, source_size=(64, 32)).open(tmp_path)
    assert pair.source.images.shape == (2, 32, 64, 3) and pair.source.labels.shape == (2, 32, 64)
    assert pair.target_train.images.shape == (2, 16, 32, 3)


def test_the_keys_of_sides_tell_them_apart() -> None:
    assert Side(TF32, peer=True, benchmarked=True).key == "tf32_peer"
    assert Side(BFLOAT16, compiled=True).key == "bfloat16_compiled"
    assert Side(BFLOAT16, benchmarked=True).title == "ours, bfloat16, cudnn.benchmark"
