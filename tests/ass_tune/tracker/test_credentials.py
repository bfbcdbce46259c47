from __future__ import annotations

import pytest

from ass_tune.tracker.credentials import without_credentials


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
    ],
)
def test_texts_without_secrets_stay_as_they_are(text: str):
    assert without_credentials(text) == text
