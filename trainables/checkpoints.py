"""The checkpoints of one trial: checked by a checksum in their name, two at most, the newest good one counts."""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch

from trainables.storage import Storage

NAME = re.compile(r"(?P<iteration>\d{9,})-(?P<digest>[0-9a-f]{32})\.pt")


@dataclass(frozen=True)
class Loaded:
    """What a trial goes on from.

    Attributes:
        state: what was saved, tensors on the CPU; None where the trial has to begin anew.
        iteration: when it was saved; 0 for a trial that begins anew.
        warnings: one for each newer checkpoint that could not be used.
    """

    state: dict[str, Any] | None
    iteration: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Checkpoint:
    iteration: int
    digest: str
    name: str


class _Unusable(Exception):
    """A checkpoint is damaged or refused; the message says why."""


class Checkpoints:
    """Checkpoints of a trial, `checkpoints/KEY/ITERATION-CHECKSUM.pt`, each a plain torch file.

    Args:
        folder: the study's folder.
        key: the trial's key. Nobody else may save under it at the same time.
    """

    def __init__(self, folder: Storage, key: str) -> None:
        self._files = folder
        self._folder = f"checkpoints/{key}"

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        """Save a state of tensors and plain values; the newest of the checkpoints before it stays, others go.

        They go first, so that there are never more than two files. Raises OSError where there is no room: the
        checkpoint before it is still there.
        """
        content = serialized(state)
        found = self._newest_first()
        # a checkpoint that is not before this one could not be used, or the trial would have gone on from it
        before = [checkpoint for checkpoint in found if checkpoint.iteration < iteration][:1]
        self._files.delete_unfinished(self._folder)
        for checkpoint in found:
            if checkpoint not in before:
                with suppress(FileNotFoundError):
                    self._files.delete(checkpoint.name)
        self._files.write_bytes(f"{self._folder}/{iteration:09d}-{_digest(content)}.pt", content)

    def newest(self) -> Loaded:
        """Load the newest checkpoint that is whole and holds nothing but tensors and plain values."""
        refused: list[tuple[str, str]] = []
        for checkpoint in self._newest_first():
            try:
                state = self._load(checkpoint)
            except _Unusable as reason:
                refused.append((checkpoint.name, str(reason)))
            else:
                return Loaded(
                    state, checkpoint.iteration, _warnings(refused, f"the trial goes on from {checkpoint.name}")
                )
        return Loaded(None, 0, _warnings(refused, "there is none before it, the trial begins anew"))

    def _newest_first(self) -> list[_Checkpoint]:
        found = []
        for name in self._files.list(self._folder):
            if match := NAME.fullmatch(name.rpartition("/")[2]):
                found.append(_Checkpoint(int(match["iteration"]), match["digest"], name))
        return sorted(found, key=lambda checkpoint: (checkpoint.iteration, checkpoint.name), reverse=True)

    def _load(self, checkpoint: _Checkpoint) -> dict[str, Any]:
        try:
            content = self._files.read_bytes(checkpoint.name)
        except OSError as error:
            if not self._files.is_local:  # a server that does not answer now may have it whole
                raise
            raise _Unusable(f"it cannot be read: {error}") from error
        if _digest(content) != checkpoint.digest:
            raise _Unusable("its content does not have the checksum in its name")
        try:
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises whatever the bytes lead to
            raise _Unusable("it is refused, since it is not a torch file of tensors and plain values only") from error


def serialized(state: dict[str, Any]) -> bytes:
    """A state as the content of a torch file."""
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _warnings(refused: list[tuple[str, str]], instead: str) -> tuple[str, ...]:
    return tuple(f"checkpoint {name} cannot be used, {reason}; {instead}" for name, reason in refused)
