"""The teacher of Tarvainen and Valpola (2017): a network whose weights are the moving average of another one's."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def teacher_of(student: Network) -> Network:
    """A copy of the student, which is never descended."""
    return copy.deepcopy(student).requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, step: int, decay: float) -> None:
    """Weights theta' of the teacher after a step (from 0 on): a theta' + (1 - a) theta (their Eq 2).

    a is `decay`, and less in the first steps, 1 - 1 / (step + 2), so that the first random weights are soon forgotten
    (as in their code). Running statistics are averages already, and are taken over.
    """
    share = max(1 / (step + 2), 1 - decay)
    for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
        mine.lerp_(theirs, share)
    for mine, theirs in zip(teacher.buffers(), student.buffers(), strict=True):
        mine.copy_(theirs)
