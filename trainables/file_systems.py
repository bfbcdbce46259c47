"""pyarrow's file systems: one for each URL and process, and which of them are object stores."""

from __future__ import annotations

import os
from functools import lru_cache

from pyarrow import fs

OBJECT_STORES = frozenset({"s3", "gcs", "abfs"})
"""pyarrow's names of those in which a file is there once all of it is, and in which to rename is to copy."""
_OF_S3 = "s3://"


def puts_whole(files: fs.FileSystem) -> bool:
    """Whether a file that is being written cannot be seen before it is whole."""
    return files.type_name in OBJECT_STORES


def shared_file_system(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system that a URI means, and the path in it.

    To open one of S3 may ask a server. pyarrow itself reads the usual variables there: `AWS_ENDPOINT_URL_S3`,
    `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_PROFILE`.
    """
    if not uri.startswith(_OF_S3):
        return fs.FileSystem.from_uri(uri)
    of_aws = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    return _s3(uri, of_aws)


@lru_cache(maxsize=256)
def _s3(uri: str, environment: tuple[tuple[str, str], ...]) -> tuple[fs.FileSystem, str]:
    """`environment` decides what a URI means. A small file is one request if it may be opened as late as it is full."""
    return fs.FileSystem.from_uri(f"{uri}{'&' if '?' in uri else '?'}allow_delayed_open=true")
