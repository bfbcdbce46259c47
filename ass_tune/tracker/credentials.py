"""Passwords and tokens never leave this process in a log, a tag, an artifact or an error message."""

from __future__ import annotations

import re

MASK = "***"
_USER_AND_PASSWORD = re.compile(r"(?<=://)(?:[^\s/@:]*:\S*|[^\s/@]*)@")
_SECRET_ASSIGNMENT = re.compile(
    r"([\w.-]*(?:passw|pwd|token|secret|api_?key|access_?key|credential|signature|\bsig)[\w.-]*(?:=|%3D))"
    r"(?:(?!%3B|%26)[^\s&;'\"])+",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/-]{8,}=*", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """A URI, or a text with URIs in it, with user, password and secret-looking arguments masked.

    Where it is ambiguous what belongs to the password (an unescaped `@` or `/` in it), rather too much is masked.
    """
    text = _USER_AND_PASSWORD.sub(f"{MASK}@", text)
    text = _SECRET_ASSIGNMENT.sub(rf"\g<1>{MASK}", text)
    return _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
