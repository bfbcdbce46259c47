"""Passwords and tokens never leave this process in a log, a tag, an artifact or an error message."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
SHORTEST = 4
"""Characters of a secret that is masked wherever it appears; a shorter one is, too, in all the usual places."""
_ENVIRONMENT = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "DATABRICKS_TOKEN", "PGPASSWORD", "MYSQL_PWD")
_ENVIRONMENT += ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_URLS = ("MLFLOW_TRACKING_URI", "ASS_LEDGER")
_WORDS = {"password", "passwd", "token", "secret", "credential", "credentials", "signature", "user", "none", "null"}
"""Would a secret be one of these, masking it everywhere would hide what else is one."""

_USER_AND_PASSWORD = re.compile(r"(?<=://)(?:[^\s/@:]*:\S*|[^\s/@]*)@")
_ENCODED_USER_AND_PASSWORD = re.compile(r"(?<=%3A%2F%2F)(?:(?!%2F|&)\S)*%40", re.IGNORECASE)
_NAME = r"[\w.-]*(?:passw|pwd|token|secret|api_?key|access_?key|credential|signature|\bsig)[\w.-]*['\"]?"
_SECRET_ASSIGNMENT = re.compile(
    rf"({_NAME}(?:=|%3D|\s*[=:]\s*(?=['\"])))"
    r"(?:'[^'\n]*'?|\"[^\"\n]*\"?|(?:(?!%3B|%26)[^\s&;'\"])+)",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"(\bauthorization['\"]?\s*[:=]\s*['\"]?(?:\w+\s+)?)[^\s'\"]+", re.IGNORECASE)
_SCHEME = re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/-]{8,}=*", re.IGNORECASE)

_kept: set[str] = set()


def keep_secret(url: str) -> None:
    """Mask what a URL has in it of passwords and tokens wherever it appears from now on, encoded or decoded."""
    _kept.update(_secrets(url))


def without_credentials(text: str) -> str:
    """A URI, or a text with URIs in it, with user, password and secret-looking arguments masked.

    Where it is ambiguous what belongs to the password (an unescaped `@` or `/` in it), rather too much is masked.
    """
    for secret in sorted({*_kept, *_from_environment()}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _USER_AND_PASSWORD.sub(f"{MASK}@", text)
    text = _ENCODED_USER_AND_PASSWORD.sub(f"{MASK}%40", text)
    text = _SECRET_ASSIGNMENT.sub(rf"\g<1>{MASK}", text)
    text = _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
    return _SCHEME.sub(rf"\g<1>{MASK}", text)


def _from_environment() -> Iterator[str]:
    for name in _ENVIRONMENT:
        yield from _forms(os.environ.get(name, ""))
    for name in _URLS:
        yield from _secrets(os.environ.get(name, ""))


def _secrets(url: str) -> Iterator[str]:
    """The password of a URL, or its user where that is a token, and the values of secret-looking arguments."""
    if found := re.match(r"(?:[^/@:]*:(.*)|([^/@:]+))@", url.partition("://")[2] or url):
        secret = (found[1] or found[2] or "").lstrip("/")  # where a slash is missing in front, the others are no secret
        yield from _forms(secret)
        if len(parts := re.split("[/@:?#]", secret)) > 1:
            # an error about a URL that is taken apart wrongly names its parts
            yield from (form for part in parts for form in _forms(part))
    for found in re.finditer(rf"{_NAME}(?:=|%3D)([^&]+)", url, re.IGNORECASE):
        yield from _forms(found[1])


def _forms(secret: str) -> Iterator[str]:
    plain = {secret, unquote(secret), unquote_plus(secret)}
    forms = {form(each) for each in plain for form in (str, quote, quote_plus, lambda text: quote(text, safe=""))}
    forms |= {json.dumps(each)[1:-1] for each in plain}
    yield from (form for form in forms if len(form) >= SHORTEST and form.lower() not in _WORDS)
