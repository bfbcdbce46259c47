"""Errors that a user can fix, shown as one message without a traceback; and the exit codes of all commands."""

from __future__ import annotations

from enum import IntEnum


class UserMistake(Exception):
    """Something outside the code is wrong; the message says what was found and what is allowed."""


class ExitCode(IntEnum):
    """How a command ended."""

    FINISHED = 0
    INCOMPLETE = 1
    """Some trials failed, the study paused, or records still wait for MLflow."""
    USER_MISTAKE = 2
    INTERRUPTED = 130
