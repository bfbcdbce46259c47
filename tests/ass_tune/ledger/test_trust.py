"""Who else could have written a file; what the ledger pickles is only for who alone can write there."""

from __future__ import annotations

import grp
import os
import pwd
import re
import struct
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from ass_tune.ledger.trust import stranger
from ass_tune.search.samplers import check_trusted
from ass_tune.spec.catalogue import SAMPLERS
from trainables.mistakes import UserMistake

superuser = pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir(mode=0o755)
    path = folder / "ledger.journal"
    path.touch(mode=0o644)
    return path


def has_own_group() -> bool:
    try:
        user = pwd.getpwuid(os.geteuid())
        return grp.getgrgid(user.pw_gid).gr_name == user.pw_name
    except KeyError:
        return False


def test_nobody_else_writes_what_only_the_owner_may(journal: Path) -> None:
    assert stranger(journal) is stranger(journal.parent) is None
    assert stranger(journal.parent / "not there") is None


def test_everybody_is_a_stranger(journal: Path) -> None:
    journal.chmod(0o646)
    assert stranger(journal) == "everybody"


@pytest.mark.skipif(not has_own_group(), reason="this user has no group of their own")
def test_the_group_of_one_user_is_no_stranger(journal: Path) -> None:
    journal.parent.chmod(0o775)
    assert stranger(journal.parent) is None


@superuser
def test_any_other_group_is_a_stranger(journal: Path) -> None:
    os.chown(journal, -1, NOBODY.pw_gid)
    assert stranger(journal) is None
    journal.chmod(0o664)
    assert stranger(journal) == f"the group {grp.getgrgid(NOBODY.pw_gid).gr_name}"


@superuser
def test_another_owner_is_a_stranger_whatever_the_mode(journal: Path) -> None:
    os.chown(journal, NOBODY.pw_uid, -1)
    journal.chmod(0o444)
    assert stranger(journal) == "its owner, nobody"


def test_those_in_an_access_control_list_are_strangers(journal: Path) -> None:
    everyone = 0xFFFFFFFF
    # (who, permissions, id): owner, the user nobody, the group, the mask, all others
    entries = [(1, 7, everyone), (2, 7, NOBODY.pw_uid), (4, 5, everyone), (16, 7, everyone), (32, 5, everyone)]
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(journal.parent, "system.posix_acl_access", value)
    except OSError:
        pytest.skip("no access control lists on this file system")
    assert stranger(journal.parent) == "those in its access control list (getfacl)"


def no_file(journal: Path) -> None:
    journal.unlink()


def no_folder(journal: Path) -> None:
    journal.unlink()
    journal.parent.rmdir()


def private(journal: Path) -> None:
    journal.parent.chmod(0o700)
    journal.chmod(0o600)


@pytest.mark.parametrize("prepare", [private, no_file, no_folder])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_may_use_a_ledger_of_ones_own(journal: Path, name: str, prepare: Callable[[Path], None]) -> None:
    prepare(journal)
    check_trusted(name, journal)


@pytest.mark.parametrize("shared", ["study", "study/ledger.journal"])
def test_cmaes_is_refused_where_others_can_write_the_ledger(journal: Path, tmp_path: Path, shared: str) -> None:
    (tmp_path / shared).chmod(0o777)
    told = rf"search.sampler cmaes unpickles.*{re.escape(str(tmp_path / shared))} can be written by everybody.*chmod"
    with pytest.raises(UserMistake, match=told):
        check_trusted("cmaes", journal)
    for name in SAMPLERS.keys() - {"cmaes"}:
        check_trusted(name, journal)


def test_cmaes_is_refused_behind_a_link_to_what_others_can_write(journal: Path, tmp_path: Path) -> None:
    journal.parent.chmod(0o777)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "ledger.journal").symlink_to(journal)
    with pytest.raises(UserMistake, match="can be written by everybody"):
        check_trusted("cmaes", tmp_path / "mine" / "ledger.journal")


def test_cmaes_is_refused_on_a_database() -> None:
    with pytest.raises(UserMistake, match=r"cmaes unpickles .* is a database.* Choose another sampler"):
        check_trusted("cmaes", None)
    for name in SAMPLERS.keys() - {"cmaes"}:
        check_trusted(name, None)


def test_no_other_sampler_or_pruner_of_optuna_unpickles() -> None:
    root = Path(optuna.__file__).parent
    loads = re.compile(r"\b(pickle|dill|joblib|marshal|shelve)\b|\b(eval|exec)\(")
    modules = [path for part in ("samplers", "pruners", "search_space", "_gp") for path in (root / part).rglob("*.py")]
    found = {str(path.relative_to(root)) for path in modules if loads.search(path.read_text())}
    assert len(modules) > 50
    assert found == {"samplers/_cmaes.py"}
