"""Where studies may be, and what is said of a place where they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from ass_tune.places import Studies, check_reachable
from tests.support.mlflow_server import free_port
from trainables.mistakes import UserMistake


def test_a_folder_has_everything(tmp_path: Path) -> None:
    for place in (tmp_path, str(tmp_path), tmp_path.as_uri()):
        studies = Studies.at(place)
        assert (studies.is_local, studies.folder, str(studies)) == (True, tmp_path, str(tmp_path))
        assert studies.files_of("a b").local_path() == studies.disk_of("a b") == tmp_path / "a b"


def test_a_url_has_the_files_and_a_folder_on_disk_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    studies = Studies.at("s3://bucket/my/lab/?region=eu-central-1")
    assert not studies.is_local
    assert studies.folder.parent == tmp_path / "studies" / ".driver"
    assert studies.folder.name.startswith("s3_bucket_my_lab-")
    assert studies.files_of("a b").uri == "s3://bucket/my/lab/a%20b?region=eu-central-1"
    assert studies.files_of("a b").shown("x") == "s3://bucket/my/lab/a%20b/x"
    assert Studies.at("s3://bucket/my/lab?region=eu-central-1") == studies
    assert Studies.at("s3://bucket/my_lab").folder != Studies.at("s3://bucket/my/lab").folder


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("s3a://bucket/lab", r"found the scheme 's3a'; did you mean 's3'\?"),
        ("https://bucket/lab", "found the scheme 'https'"),
        ("s3://", "found no bucket or host"),
        ("s3://bucket/my lab", "found a space.*%20"),
        ("s3://ann:s3cret@bucket/lab", r"s3://\*\*\*@bucket/lab: found a password; .*AWS_SECRET_ACCESS_KEY"),
        (Path("s3://bucket/lab"), "found a URL with one slash"),
    ],
)
def test_an_impossible_place_is_one_error(place: str | Path, found: str) -> None:
    with pytest.raises(UserMistake, match=f"{found}.*; allowed: a folder, s3://BUCKET/PREFIX") as caught:
        Studies.at(place)
    assert "s3cret" not in str(caught.value)


def test_a_store_that_answers_is_left_as_it_was(bucket: str, object_store) -> None:
    check_reachable(Studies.at(f"s3://{bucket}/lab"))
    assert not [name for name in object_store.keys(bucket) if not name.endswith("/")]


def test_a_store_that_cannot_be_used_is_one_error_before_anything_starts(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserMistake, match=rf"^--studies s3://{bucket}-2/lab cannot be used: there is no such bucket"):
        check_reachable(Studies.at(f"s3://{bucket}-2/lab"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UserMistake, match=r"cannot be used: nothing answers; see AWS_ENDPOINT_URL"):
        check_reachable(Studies.at(f"s3://{bucket}/lab"))
