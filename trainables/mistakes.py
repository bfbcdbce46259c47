"""Errors that a user can fix: shown as one message, not as a traceback."""

from __future__ import annotations


class UserMistake(Exception):
    """Something outside the code is wrong; the message says what it is, and what is allowed."""
