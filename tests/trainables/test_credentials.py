from __future__ import annotations

import pytest

from trainables import credentials
from trainables.credentials import keep_secret, without_credentials


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://ann:s3cret@db.org:5432/ledger", "postgresql://***@db.org:5432/ledger"),
        ("https://t0ken@mlflow.org/api", "https://***@mlflow.org/api"),
        ("mysql+pymysql://ann:a@b/c@db/x", "mysql+pymysql://***@db/x"),
        ("http://h/p?user=ann&password=s3cret&x=1", "http://h/p?user=ann&password=***&x=1"),
        ("s3://b/k?access_token=abc&AWS_SECRET_ACCESS_KEY=xyz", "s3://b/k?access_token=***&AWS_SECRET_ACCESS_KEY=***"),
        (
            "mssql://?odbc_connect=UID%3Dann%3BPWD%3Ds3cret%3BX%3D1",
            "mssql://?odbc_connect=UID%3Dann%3BPWD%3D***%3BX%3D1",
        ),
        ("call to http://ann:pw@h:5000/api failed: no", "call to http://***@h:5000/api failed: no"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("{'Authorization': 'Basic YTpi', 'x': 1}", "{'Authorization': 'Basic ***', 'x': 1}"),
        ("host=db user=ann password=s3cret port=1", "host=db user=ann password=*** port=1"),
        ("host=db password='s3 cret' port=1", "host=db password=*** port=1"),
        ("connect(user='ann', password='s3\"cret', port=1)", "connect(user='ann', password=***, port=1)"),
        ('{"password": "s3;cr&et", "user": "ann"}', '{"password": ***, "user": "ann"}'),
        ("{'user': 'ann', 'passwd': 's3cret'}", "{'user': 'ann', 'passwd': ***}"),
        ("password = 's3cret'", "password = ***"),
        ("PGPASSWORD=s3cret psql", "PGPASSWORD=*** psql"),
        ("postgresql://db/x?user=ann&sslpassword=s3cret", "postgresql://db/x?user=ann&sslpassword=***"),
        ("next=postgresql%3A%2F%2Fann%3As3cret%40db%2Fx&a=1", "next=postgresql%3A%2F%2F***%40db%2Fx&a=1"),
        ("could not connect to 'postgresql://ann:s3cret@db/x'", "could not connect to 'postgresql://***@db/x'"),
    ],
)
def test_secrets_are_masked_and_the_rest_stays(text: str, masked: str):
    assert without_credentials(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////studies/mlflow.db",
        "http://127.0.0.1:5000",
        "s3://bucket/studies?region=eu",
        "lr=0.001, adaptor=ga+csa, key frames = 3",
        "out of memory: basic block of 3 tokens",
        "SyntaxError: unexpected token: x",
        "n_tokens = 3",
    ],
)
def test_texts_without_secrets_stay_as_they_are(text: str):
    assert without_credentials(text) == text


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_kept", set())


@pytest.mark.parametrize(
    ("url", "texts"),
    [
        ("postgresql://ann:s3cret@db/x", ("authentication of ann with s3cret failed", "dsn=s3cret;")),
        ("postgresql://ann:s3%40cr%20et@db/x", ("s3@cr et", "s3%40cr%20et", "s3%40cr+et", "password=s3@cr et")),
        ("http://ann:s3cret/to:much@host:80", ("Port could not be cast to integer value as 's3cret'", "path to:much")),
        ("postgresql:/ann:s3cret@db/x", ("Could not parse postgresql:/ann:s3cret@db/x",)),
        ("ann:s3cret@db/x", ("Could not parse ann:s3cret@db/x",)),
        ("https://t0ken-t0ken@host/api", ("401 for t0ken-t0ken",)),
        ("postgresql://db/x?user=ann&password=s3cret", ("authentication of ann with s3cret failed",)),
        ("http://ann:p\u00e4ssw\u00f6rd@host", ("p\u00e4ssw\u00f6rd", "p\\u00e4ssw\\u00f6rd", "p%C3%A4ssw%C3%B6rd")),
    ],
)
def test_the_password_of_a_known_url_is_masked_in_any_form(url: str, texts: tuple[str, ...], nothing_kept: None):
    keep_secret(url)
    for text in texts:
        masked = without_credentials(text)
        assert "***" in masked
        assert not any(
            secret in masked for secret in ("s3cret", "much", "cr et", "t0ken", "ä", "u00e4", "C3%", "cr%20et")
        )


def test_secrets_of_the_environment_are_masked_as_soon_as_they_are_there(monkeypatch: pytest.MonkeyPatch):
    text = "403 for s3cret at https://host, ledger refused l3dger"
    assert without_credentials(text) == text
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cret")
    monkeypatch.setenv("ASS_LEDGER", "postgresql://ann:l3dger@db/x")
    assert without_credentials(text) == "403 for *** at https://host, ledger refused ***"


def test_a_password_that_is_a_word_hides_no_other_words(monkeypatch: pytest.MonkeyPatch, nothing_kept: None):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "password")
    keep_secret("http://a:b@host")
    assert without_credentials("a bad password: password=x") == "a bad password: password=***"


@pytest.mark.parametrize(
    "url", ["", "sqlite:////a/b.db", "http://127.0.0.1:5000", "s3://bucket/x?region=eu", "://@", "%"]
)
def test_a_url_without_credentials_masks_nothing(url: str, nothing_kept: None):
    keep_secret(url)
    text = f"the url {url} 127.0.0.1 region eu 5000 bucket"
    assert without_credentials(text) == text.replace("://@", "://***@")
