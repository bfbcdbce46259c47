"""Many calls of MLflow's client as one transaction, where its store is a database.

Each call commits several times, and a commit waits for the disk longer than all else takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from sqlalchemy.orm import Session


class NotTogether(Exception):
    """Something in the block has to be refused or rolled back alone, which one transaction cannot do."""


@contextmanager
def one_transaction(client: MlflowClient) -> Iterator[Session | None]:
    """What the client writes in the block is committed at its end, or not at all if the block raises.

    Yields the database's session, in which more can be written; None where the client writes to a server, for which
    nothing is different.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store: Any = client._tracking_client.store
    if not isinstance(store, SqlAlchemyStore):
        yield None
        return
    usual = store.ManagedSessionMaker
    with usual(read_only=False) as session:
        store.ManagedSessionMaker = lambda read_only=True: _part_of(session)
        session.commit, session.rollback = session.flush, _roll_back_alone  # of this session only
        try:
            yield session
        finally:
            store.ManagedSessionMaker = usual
            del session.commit, session.rollback


@contextmanager
def _part_of(session: Session) -> Iterator[Session]:
    """The session for one call: what the next one reads is what this one wrote, as in a session of its own."""
    yield session
    session.flush()
    session.expire_all()


def _roll_back_alone() -> None:
    raise NotTogether
