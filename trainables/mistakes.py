"""What a user can mend is told in one message, not in a traceback."""

from __future__ import annotations


class UserMistake(Exception):
    """Something outside the code is not as it has to be; the message says what, and what would be."""
