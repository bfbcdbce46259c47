"""Where studies are kept: their files on any file system, and what only a disk can do on the driver's own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trainables.credentials import keep_secret, without_credentials
from trainables.mistakes import UserMistake, nearest
from trainables.storage import Storage

DRIVERS = Path("studies") / ".driver"
"""Where the driver keeps what cannot be where the studies are, a folder for each URL."""
SCHEMES = ("s3", "gs", "abfs", "abfss", "hdfs", "file")
"""What pyarrow opens."""
ALLOWED = "a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, abfs://CONTAINER@ACCOUNT/PREFIX or hdfs://HOST/PATH"


@dataclass(frozen=True)
class Studies:
    """The folder of all studies.

    Attributes:
        uri: its path or URL.
        folder: on this machine's disk. Lock, ledger and outbox of a study are in a folder of it; so is everything else
            where the studies are local.
    """

    uri: str
    folder: Path

    @classmethod
    def at(cls, place: str | Path) -> Studies:
        """The studies in a folder or at a URL, which is not opened. Raises UserMistake for an impossible one."""
        text = str(place)
        if re.match(r"(s3|gs|abfss?|hdfs):/[^/]", text):  # as `Path` leaves a URL
            raise UserMistake(f"--studies {text}: found a URL with one slash; allowed: {ALLOWED}")
        if "://" not in text:
            folder = Path(text).resolve()
            return cls(str(folder), folder)
        keep_secret(text)
        parts = urlsplit(text)
        if (reason := _unusable(text)) is not None:
            raise UserMistake(f"--studies {without_credentials(text)}: {reason}; allowed: {ALLOWED}")
        if parts.scheme == "file":
            return cls.at(Storage(text).local_path())
        uri = parts._replace(path=parts.path.rstrip("/")).geturl()
        readable = re.sub(r"[^\w.-]+", "_", f"{parts.scheme}_{parts.netloc}{parts.path}".rstrip("/"))[:60]
        digest = hashlib.sha256(uri.encode()).hexdigest()[:8]
        return cls(uri, (DRIVERS / f"{readable}-{digest}").resolve())

    @property
    def is_local(self) -> bool:
        """Whether everything is in one folder."""
        return "://" not in self.uri

    @property
    def files(self) -> Storage:
        """All that is not only the driver's."""
        return Storage(self.uri)

    def files_of(self, study: str) -> Storage:
        """The folder of a study: checkpoints, results, tables, report."""
        return Storage(str(self.folder / study)) if self.is_local else self.files.below(study)

    def disk_of(self, study: str) -> Path:
        """The folder of a study on this machine's disk: lock, ledger unless it is in a database, outbox."""
        return self.folder / study

    def __str__(self) -> str:
        return self.uri


def _unusable(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        return f"found the scheme '{parts.scheme}'{nearest(parts.scheme, SCHEMES)}"
    if parts.password is not None:
        return "found a password; give keys in the environment, as in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if re.search(r"[\s#\"'<>]", url):
        return "found a space, a quote or one of # < >; write %20 for a space"
    if parts.scheme != "file" and not parts.netloc:
        return "found no bucket or host"
    return None


def check_reachable(studies: Studies) -> None:
    """Write, read and delete a small file where studies at a URL are. Raises UserMistake, which says why that fails.

    What comes back later is refused too: before anything starts nothing is lost by that.
    """
    if studies.is_local:
        return
    files, name = studies.files.impatient, "ass_tune.probe"
    try:
        files.write_bytes(name, b"probe")
        files.read_bytes(name)
        files.delete(name)
    except FileNotFoundError:  # another driver that starts now has deleted it
        return
    except (OSError, ValueError, NotImplementedError) as error:
        said = " ".join(without_credentials(str(error)).split())
        raise UserMistake(f"--studies {files.shown()} cannot be used: {_explained(said)}") from None


def _explained(said: str) -> str:
    found = (words for sign, words in _REASONS if re.search(sign, said))
    explained = next(found, None)
    return f"{said[:500]}" if explained is None else f"{explained} ({said[:500]})"


_REASONS = (
    ("NO_SUCH_BUCKET|ContainerNotFound", "there is no such bucket; create it, or name another"),
    ("ACCESS_DENIED|PERMISSION_DENIED|status 403", "access is denied; it needs rights to list, read, write and delete"),
    (
        "INVALID_ACCESS_KEY|SIGNATURE|AUTHENTICATION|CREDENTIAL|TOKEN|UNAUTHENTICATED|AuthenticationFailed|status 401",
        "the credentials are refused; see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_PROFILE",
    ),
    ("NETWORK_CONNECTION|resolve host|UNAVAILABLE", "nothing answers; see AWS_ENDPOINT_URL and AWS_REGION"),
)
