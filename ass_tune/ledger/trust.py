"""Who other than this user could have written a file, according to POSIX permissions."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path


def stranger(path: Path) -> str | None:
    """Who else can write a file or folder, in words; None where nobody can or the file does not exist.

    The superuser is no stranger, and neither is a group that consists of this user alone: under the umask 002 of
    most distributions every folder is writable by it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if status.st_uid not in (0, os.geteuid()):
        return f"its owner, {_user(status.st_uid)}"
    if status.st_mode & stat.S_IWOTH:
        return "everybody"
    if status.st_mode & stat.S_IWGRP:
        if _has_acl(path):  # of which the group's bits are the mask, and say nothing about the group
            return "those in its access control list (getfacl)"
        if not _is_private(status.st_gid):
            return f"the group {_group(status.st_gid)}"
    return None


def _has_acl(path: Path) -> bool:
    """Whether an access control list gives permissions to single users or groups."""
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except (AttributeError, OSError):  # no such attributes on this system, or on this file system
        return False


def _is_private(group: int) -> bool:
    """Whether a group is a user's own: it bears their name and has no further members.

    Being the primary group is not enough: many sites have one `users` for all, and its members are not listed.
    """
    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return group == user.pw_gid and found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
