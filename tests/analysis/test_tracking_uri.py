"""A tracking URI that MLflow can never open is refused by one message that says what was found and what is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.tracking_uri import check_there, check_uri, database_file
from trainables.mistakes import UserMistake

MEANT = {
    "localhost:5000": "http://localhost:5000",
    "127.0.0.1:5000": "http://127.0.0.1:5000",
    "[::1]:5000": "http://[::1]:5000",
    "mlflow.example.org": "http://mlflow.example.org",
    "mlflow.example.org/path": "http://mlflow.example.org/path",
    "http:/localhost:5000": "http://localhost:5000",
    "http:localhost:5000": "http://localhost:5000",
    "http//localhost:5000": "http://localhost:5000",
    "htp://localhost:5000": "http://localhost:5000",
    " http://localhost:5000\n": "http://localhost:5000",
    "'http://localhost:5000'": "http://localhost:5000",
    "sqlite://mlflow.db": "sqlite:///mlflow.db",
    "sqlite:/mlflow.db": "sqlite:///mlflow.db",
    "sqlite:mlflow.db": "sqlite:///mlflow.db",
    "sqllite:///mlflow.db": "sqlite:///mlflow.db",
    "postgres://host/name": "postgresql://host/name",
}
NEVER = [
    "http://",
    "http://localhost:99999",
    "http://localhost:port",
    "http://<host>:5000",
    "http://[::1",
    "sqlite://",
    "sqlite:///:memory:",
    "postgresql+nodriver://host/name",
    "s3://bucket/mlflow",
    "uc",
    " ",
]


@pytest.mark.parametrize(("uri", "meant"), MEANT.items())
def test_a_uri_with_a_slip_is_refused_with_the_one_that_is_meant(uri: str, meant: str) -> None:
    with pytest.raises(UserMistake) as refused:
        check_uri(uri)
    message = str(refused.value)
    assert message.startswith(f"MLflow cannot open the tracking URI '{uri}': ")
    assert f"did you mean '{meant}'?" in message
    assert "allowed: http://HOST:PORT" in message


@pytest.mark.parametrize("uri", NEVER)
def test_a_uri_that_means_nothing_is_refused_with_what_is_allowed(uri: str) -> None:
    with pytest.raises(UserMistake, match=r"(?s)cannot open the tracking URI '.*': .*\nallowed: http://HOST:PORT"):
        check_uri(uri)


@pytest.mark.parametrize(
    "uri", ["http://localhost:5000", "HTTPS://u:pw1234@host/a?b=c", "http://[::1]:1", "databricks://p"]
)
def test_a_server_is_not_asked(uri: str) -> None:
    check_uri(uri)


def test_a_database_file_may_be_new_or_one_but_nothing_else(tmp_path: Path, migrated: Path) -> None:
    check_uri(f"sqlite:///{migrated}")
    check_uri(f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}")
    check_uri(f"sqlite:///{tmp_path / 'a b #é;x' / 'mlflow.db'}")
    (tmp_path / "notes.db").write_text("a text of more than sixteen characters")
    for name, reason in {
        "notes.db": "is no SQLite database",
        "": "it is a folder",
        "notes.db/a.db": "no file can be",
    }.items():
        with pytest.raises(UserMistake, match=reason):
            check_uri(f"sqlite:///{tmp_path / name}")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != migrated.name) == ["notes.db"]


def test_a_bare_database_file_is_told_as_its_uri(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match=f"did you mean 'sqlite:///{tmp_path / 'mlflow.db'}'"):
        check_uri(str(tmp_path / "mlflow.db"))


@pytest.mark.parametrize("form", ["file://{}", "{}"])
def test_a_folder_is_refused_in_the_words_of_mlflow(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    uri = form.format(tmp_path / "mlruns")
    with pytest.raises(UserMistake, match="maintenance mode") as refused:
        check_uri(uri)
    assert "MLFLOW_ALLOW_FILE_STORE=true" in str(refused.value)
    assert not (tmp_path / "mlruns").exists()


def test_a_folder_is_taken_where_mlflow_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    check_uri(f"file://{tmp_path / 'mlruns'}")


def test_no_password_is_shown_and_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "ann:s3cretword@host:5000")
    with pytest.raises(UserMistake) as refused:
        check_uri("ann:s3cretword@host:5000")
    assert "s3cretword" not in str(refused.value)
    assert "(from $MLFLOW_TRACKING_URI)" in str(refused.value)


def test_who_only_reads_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="no database"):
        check_there(f"sqlite:///{tmp_path / 'none.db'}")
    assert database_file("sqlite:///a.db?timeout=3") == Path("a.db")
    assert database_file("http://host") is None
    assert database_file("sqlite:///file:a.db?mode=rwc&uri=true") is None
