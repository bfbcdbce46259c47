"""A study whose files all machines share has one ledger, and every driver is told where that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ass_tune.ledger import owner
from ass_tune.ledger.owner import check_ledger_is_here, claim_ledger_place
from trainables.mistakes import UserMistake
from trainables.storage import Storage


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """A folder that counts as one on an object store."""
    monkeypatch.setattr(Storage, "is_local", property(lambda self: "bucket" not in self.uri))
    monkeypatch.setattr(Storage, "_files", property(lambda self: self._opened[0]))
    folder = Storage(str(tmp_path / "bucket" / "csa"))
    monkeypatch.setattr(Storage, "shown", lambda self, name="": f"s3://bucket/csa/{name}")
    return folder


def test_the_driver_with_the_ledger_goes_on_and_others_are_told_where_it_is(
    shared: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_ledger_place(shared, Path("/disk/ann/csa"), in_database=False)
    claim_ledger_place(shared, Path("/disk/ann/csa"), in_database=False)
    check_ledger_is_here(shared, Path("/disk/ann/csa"))
    where = r"the ledger of study csa is on the disk of .*, in /disk/ann/csa, and this driver would begin another one"
    with pytest.raises(UserMistake, match=where):
        claim_ledger_place(shared, Path("/disk/bob/csa"), in_database=False)
    with pytest.raises(UserMistake, match=f"{where} in a database"):
        claim_ledger_place(shared, Path("/disk/ann/csa"), in_database=True)
    monkeypatch.setattr(owner.socket, "gethostname", lambda: "elsewhere")
    with pytest.raises(UserMistake, match=where):
        check_ledger_is_here(shared, Path("/disk/ann/csa"))


def test_a_study_with_a_database_is_not_begun_again_in_a_file(shared: Storage) -> None:
    claim_ledger_place(shared, Path("/disk/ann/csa"), in_database=True)
    claim_ledger_place(shared, Path("/disk/bob/csa"), in_database=True)
    with pytest.raises(UserMistake, match=r"the ledger of study csa is in a database: name it with --ledger URL"):
        claim_ledger_place(shared, Path("/disk/ann/csa"), in_database=False)


def test_a_folder_on_a_disk_needs_no_such_file(tmp_path: Path) -> None:
    local = Storage(str(tmp_path / "csa"))
    claim_ledger_place(local, tmp_path / "csa", in_database=False)
    assert local.list("") == []
    check_ledger_is_here(local, tmp_path / "csa")
