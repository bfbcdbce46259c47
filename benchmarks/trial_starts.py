"""Processes that start like the trials of a study, all at once: map the packed files, draw a first batch."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter

import torch

from benchmarks.drawn_pair import DrawnPair
from trainables.ass.batches import Batches
from trainables.ass.config import AssConfig


def start_trials(number: int, config: AssConfig, recipe: DrawnPair, cache: Path) -> float:
    """Seconds from the start of all processes until the last one has its first batch."""
    context = get_context("forkserver")  # torch, and whatever else the caller needs, is imported once, not by each
    context.set_forkserver_preload(["benchmarks.scaling"])
    barrier, answers = context.Barrier(number), context.SimpleQueue()
    trials = [context.Process(target=_start, args=(config, recipe, cache, barrier, answers)) for _ in range(number)]
    for trial in trials:
        trial.start()
    seconds = [answers.get() for _ in trials]
    for trial in trials:
        trial.join()
    return max(seconds)


def _start(config: AssConfig, recipe: DrawnPair, cache: Path, barrier: Barrier, answers: SimpleQueue[float]) -> None:
    torch.set_num_threads(1)
    barrier.wait()
    begun = perf_counter()
    pair = recipe.open(cache)
    Batches(config, pair, torch.device("cpu")).load(0)
    pair.target_select.images[:1].sum()
    answers.put(perf_counter() - begun)
