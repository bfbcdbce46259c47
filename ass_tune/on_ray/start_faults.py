"""What keeps Ray from starting, or a cluster from being joined, in words that say what to do."""

from __future__ import annotations

import os
import re
import socket

from trainables.credentials import without_credentials
from trainables.mistakes import UserMistake

SECONDS_TO_ANSWER = 20.0
"""How long the address of a cluster may take to answer, for each of the two checks."""
LONGEST_REASON = 400

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How every client of gRPC begins: the connection preface of HTTP/2 and an empty SETTINGS frame (RFC 9113, 3.4)."""
_SETTINGS = 4
"""Type of the frame with which a server of gRPC answers."""

_TOO_SLOW = re.compile("timed out during startup|Timed out waiting|Timed out while|GCS has become overloaded")
_ADVICE = {
    re.compile("AF_UNIX"): "let RAY_TMPDIR name a folder with a shorter path that can be written to",
    re.compile("Permission denied|Read-only file system|Not a directory|File exists"): (
        "let RAY_TMPDIR name a folder with a short path that can be written to"
    ),
    re.compile("Address already in use|port .*(in use|occupied|conflict)", re.IGNORECASE): (
        "another program has this port: unset the RAY_... variable that names it, or end that program"
    ),
    re.compile("[Vv]ersion mismatch|cluster was started with"): (
        "run the study with the same versions of Ray and Python as the cluster"
    ),
    re.compile("object store|[Mm]emory"): "Ray needs memory: end what else uses it, or use a larger machine",
    re.compile("No node info found|node info matching|Can't find a `node_ip_address"): (
        "no node of the cluster runs on this machine: run the study on one, or make this machine one with "
        "`ray start --address=ADDRESS`"
    ),
    re.compile(
        "Invalid address|[Mm]alformed|Port is not specified|invalid literal for int"
    ): "give --address as HOST:PORT, or as auto",
    re.compile("Could not find any running Ray"): "start Ray with `ray start --head`, or leave --address out",
    re.compile("Too many open files|Resource temporarily unavailable|can't start new thread"): (
        "the limits of processes or open files are too low: raise them with `ulimit -u` and `ulimit -n`"
    ),
    _TOO_SLOW: "the machine is too busy or has too little memory: try again when less runs on it",
}


def took_too_long(error: Exception) -> bool:
    """Whether Ray gave up waiting for its own processes, so that the next start may well succeed."""
    return _TOO_SLOW.search(str(error)) is not None


def cannot_start(error: Exception, address: str | None) -> UserMistake:
    """The error that a person sees instead of Ray's, with the advice that fits.

    Args:
        error: what Ray raised.
        address: of the cluster that was to be joined; None for a local Ray.
    """
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    reason = "; ".join(lines) if lines else type(error).__name__
    cause = f" ({' '.join(str(error.__cause__).split())})" if error.__cause__ else ""
    reason = (reason + cause)[:LONGEST_REASON].rstrip(" .;,")
    advice = next((advice for sign, advice in _ADVICE.items() if sign.search(reason)), _logs(address))
    what = "Ray cannot start" if address is None else f"the Ray cluster at {address} cannot be joined"
    return UserMistake(without_credentials(f"{what}: {reason}; {advice}"))


def _logs(address: str | None) -> str:
    from ray._common.utils import get_default_ray_temp_dir

    if address is not None:
        return "`ray status --address=ADDRESS` shows whether the cluster is well"
    return f"its logs are in {get_default_ray_temp_dir()}/session_latest/logs"


def check_answers(address: str) -> str:
    """HOST:PORT of an address at which a Ray answers.

    Raises UserMistake where none does, since Ray's own attempts last minutes and ignore Ctrl-C; and ValueError, as Ray
    does, for what is no address.
    """
    from ray._private.services import canonicalize_bootstrap_address

    if "://" in address:
        raise UserMistake(
            f"--address: found {address}; allowed: HOST:PORT of a cluster of which this machine is a node, or auto"
        )
    if address == "local":
        raise UserMistake("--address local: leave --address out to start a local Ray")
    try:
        if (found := canonicalize_bootstrap_address(address)) is None:
            raise UserMistake("--address auto: no Ray runs on this machine; start one with `ray start --head`")
        host, _, port = found.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS_TO_ANSWER) as connection:
            ray_answers = os.environ.get("RAY_USE_TLS", "0") == "1" or _speaks_grpc(connection)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserMistake(
            f"no Ray cluster answers at {address}: {reason}; is it running, and is this the port of `ray start --head` "
            "(6379 unless it was given another)?"
        ) from error
    if not ray_answers:
        raise UserMistake(
            f"what listens at {address} does not answer as a Ray cluster does; give the port of `ray start "
            "--head` (6379 unless it was given another), not that of the dashboard (8265)"
        )
    return found


def _speaks_grpc(connection: socket.socket) -> bool:
    """Whether a server answers as those of Ray do; a silent one does not."""
    connection.settimeout(SECONDS_TO_ANSWER)
    try:
        connection.sendall(_PREFACE)
        answer = b""
        while len(answer) < 4 and (more := connection.recv(9)):
            answer += more
    except OSError:
        return False
    return len(answer) >= 4 and answer[3] == _SETTINGS
