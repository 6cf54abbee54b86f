"""Answers kept for `Idempotency-Key`: a request sent again gets its first answer and is not repeated.

An intent is claimed before the work and settled with the answer after it. A process that dies in between
leaves a claim without an answer; after `CLAIM_SECONDS` the next sender takes it over: safe, because the
work itself (accepting records) is idempotent by authority and reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import delete, insert, select, update

from ledger.errors import Conflict
from ledger.store.vault import idempotency

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from ledger.store.database import Database

#: Seconds after which a claim without an answer is taken to be a dead process's.
CLAIM_SECONDS: Final = 120
#: Seconds an answer is kept at least.
KEEP_SECONDS: Final = 7 * 86400


class Answer(NamedTuple):
    """A kept answer: HTTP status and body."""

    status: int
    body: bytes


class AnswerPending(Conflict):
    """The same request is being carried out at this moment."""

    code = "answer-pending"
    retry_helps = True


class KeyMeansAnother(Conflict):
    """The key came before with a different request."""

    code = "idempotency-key-reused"


def claim(database: Database, api_key: str, key: str, digest: bytes, now: int) -> Answer | None:
    """Return the kept answer, or None: carry the request out, then `settle` or `release` it.

    `digest` identifies the request's content. Raises `KeyMeansAnother` or `AnswerPending`.
    """
    this = _is(api_key, key)
    with database.write_vault() as connection:
        kept = connection.execute(select(idempotency).where(this)).one_or_none()
        if kept is None:
            row = {"api_key": api_key, "key": key, "digest": digest, "created_at": now}
            connection.execute(insert(idempotency).values(row))
            return None
        if kept.digest != digest:
            raise KeyMeansAnother(f"Idempotency-Key {key!r} came before with another request")
        if kept.status is not None:
            return Answer(kept.status, kept.response)
        if kept.created_at > now - CLAIM_SECONDS:
            left = kept.created_at + CLAIM_SECONDS - now
            raise AnswerPending(
                f"the request with Idempotency-Key {key!r} is being carried out; if the process that did"
                f" so has ended, it is taken up again {left} s from now"
            )
        connection.execute(update(idempotency).where(this).values(created_at=now))
    return None


def settle(database: Database, api_key: str, key: str, answer: Answer) -> None:
    """Keep the answer of a claimed request."""
    with database.write_vault() as connection:
        connection.execute(
            update(idempotency).where(_is(api_key, key)).values(status=answer.status, response=answer.body)
        )


def release(database: Database, api_key: str, key: str) -> None:
    """Give a claim up: the request failed in a way that trying again may mend."""
    with database.write_vault() as connection:
        connection.execute(delete(idempotency).where(_is(api_key, key), idempotency.c.status.is_(None)))


def forget(database: Database, now: int) -> None:
    """Drop answers older than `KEEP_SECONDS`."""
    with database.write_vault() as connection:
        connection.execute(delete(idempotency).where(idempotency.c.created_at < now - KEEP_SECONDS))


def _is(api_key: str, key: str) -> ColumnElement[bool]:
    return (idempotency.c.api_key == api_key) & (idempotency.c.key == key)
