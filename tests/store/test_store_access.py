"""API keys, who looked, and kept answers: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from api.looks import LookLog
from ledger.errors import BadValue, LedgerError, NotFound
from ledger.store.access import (
    ApiKey,
    Look,
    Scope,
    create_key,
    list_keys,
    log_looks,
    looks_at,
    parse_scope,
    revoke_key,
    verify_key,
)
from ledger.store.answers import (
    CLAIM_SECONDS,
    KEEP_SECONDS,
    Answer,
    AnswerPending,
    KeyMeansAnother,
    claim,
    forget,
    release,
    settle,
)
from ledger.store.vault import api_keys

if TYPE_CHECKING:
    from ledger.store.database import Database

AUTHORITIES = ("GACC", "US-CPSC")
GACC = Scope("authority", "GACC")


def verified(database: Database, token: str) -> ApiKey | None:
    with database.read_vault() as vault:
        return verify_key(vault, token)


def test_scopes_read_in_their_one_form() -> None:
    assert parse_scope("authority:US-CPSC", AUTHORITIES) == Scope("authority", "US-CPSC")
    assert parse_scope("enterprise:9144030071526726xg", AUTHORITIES).subject == "uscc:9144030071526726XG"
    assert str(parse_scope("audit", AUTHORITIES)) == "audit"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GACC",
        "authority",
        "authority:",
        "authority:gacc",
        "audit:all",
        "enterprise:",
        "enterprise:123",
        "root:x",
    ],
)
def test_other_scopes_are_refused(text: str) -> None:
    with pytest.raises(BadValue, match="scope"):
        parse_scope(text, AUTHORITIES)


def test_a_key_verifies_and_its_secret_is_not_kept(database: Database) -> None:
    key, token = create_key(database, GACC, "customs gateway", 100)
    assert verified(database, token) == key
    secret = token.rsplit("_", 1)[1]
    with database.read_vault() as connection:
        row = connection.execute(select(api_keys)).one()
    assert secret not in repr(row)
    assert bytes.fromhex(secret) not in row.secret_hash
    assert row.secret_hash != hashlib.sha256(secret.encode()).digest(), "the id must be in the hash"


def test_no_altered_token_verifies(database: Database) -> None:
    key, token = create_key(database, GACC, "", 100)
    other, other_token = create_key(database, Scope("audit", ""), "", 100)
    secret = token.rsplit("_", 1)[1]
    flipped = token[:-1] + ("0" if token[-1] != "0" else "1")
    wrong = [
        "", "cl_", secret, token + "0", token[:-1], token.upper(), f" {token}", token + "\n", flipped,
        f"cl_{other.id}_{secret}", f"cl_{'0' * 12}_{secret}", f"cl_{key.id}_" + "0" * 64,
    ]  # fmt: skip
    assert [text for text in wrong if verified(database, text) is not None] == []
    assert verified(database, other_token) == other


def test_revocation_holds_at_once_and_keeps_its_first_time(database: Database) -> None:
    key, token = create_key(database, GACC, "x", 100)
    revoke_key(database, key.id, 200)
    assert verified(database, token) is None
    revoke_key(database, key.id, 300)
    assert [each.revoked_at for each in list_keys(database)] == [200]
    with pytest.raises(NotFound):
        revoke_key(database, "0" * 12, 300)


@pytest.mark.parametrize("label", ["x" * 101, "two\nlines", "\x1b[31m"])
def test_a_label_is_one_short_line(database: Database, label: str) -> None:
    with pytest.raises(BadValue, match="label"):
        create_key(database, GACC, label, 1)


def test_looks_come_back_latest_first_in_pages(database: Database) -> None:
    log_looks(database, [Look(at, GACC, "k", "score", 7 + at % 2) for at in range(10)])
    first, before = looks_at(database, [7], None, 3)
    rest, end = looks_at(database, [7], before, 3)
    assert [each.at for each in first + rest] == [8, 6, 4, 2, 0]
    assert end is None
    assert looks_at(database, [7, 8], None, 10)[1] is None
    both, before = looks_at(database, [7, 8], None, 7)
    assert [each.at for each in both + looks_at(database, [7, 8], before, 7)[0]] == [*range(9, -1, -1)]
    assert first[0] == Look(8, GACC, "k", "score", 7)


def test_what_one_request_was_shown_is_one_look_on_whichever_page(database: Database) -> None:
    shown = [Look(5, GACC, "k", "score", each) for each in (7, 8, 9)]
    for _ in range(3):
        log_looks(database, shown)
    pages, before = [], None
    for _ in range(3):
        page, before = looks_at(database, [7, 8, 9], before, 1)
        pages.append(page)
    assert [len(each) for each in pages] == [1, 1, 1]
    assert before is None
    assert len(looks_at(database, [8], None, 10)[0]) == 3


def test_many_writers_share_transactions_and_lose_nothing(database: Database) -> None:
    book = LookLog(database)
    threads = [
        threading.Thread(
            target=lambda at=at: [book.write([Look(at, GACC, "k", "score", at)]) for _ in range(20)]
        )
        for at in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found, _ = looks_at(database, range(8), None, 1000)
    assert sorted(each.at for each in found) == sorted(at for at in range(8) for _ in range(20))


def test_a_look_that_cannot_be_written_is_an_error_for_its_writer(database: Database) -> None:
    with pytest.raises(IntegrityError):
        LookLog(database).write([Look(None, GACC, "k", "score", 1)])  # type: ignore[arg-type]


def test_a_repeated_request_gets_the_kept_answer(database: Database) -> None:
    assert claim(database, "k", "a", b"1", 100) is None
    with pytest.raises(AnswerPending):
        claim(database, "k", "a", b"1", 101)
    settle(database, "k", "a", Answer(202, b"{}"))
    assert claim(database, "k", "a", b"1", 102) == Answer(202, b"{}")
    assert claim(database, "other", "a", b"2", 102) is None, "keys are each caller's own"


def test_another_request_under_the_same_key_is_refused(database: Database) -> None:
    claim(database, "k", "a", b"1", 100)
    settle(database, "k", "a", Answer(202, b"{}"))
    with pytest.raises(KeyMeansAnother):
        claim(database, "k", "a", b"2", 101)


def test_a_claim_is_released_taken_over_and_forgotten(database: Database) -> None:
    claim(database, "k", "a", b"1", 100)
    release(database, "k", "a")
    assert claim(database, "k", "a", b"2", 100) is None
    assert claim(database, "k", "a", b"2", 100 + CLAIM_SECONDS) is None, "its process died"
    with pytest.raises(AnswerPending, match=f"taken up again {CLAIM_SECONDS - 1} s from now"):
        claim(database, "k", "a", b"2", 101 + CLAIM_SECONDS)
    settle(database, "k", "a", Answer(202, b"{}"))
    release(database, "k", "a")
    assert claim(database, "k", "a", b"2", 500) == Answer(202, b"{}"), "an answer is not released"
    forget(database, 100 + CLAIM_SECONDS + KEEP_SECONDS + 1)
    assert claim(database, "k", "a", b"9", 501) is None


def test_access_errors_are_the_ledgers_own() -> None:
    assert issubclass(AnswerPending, LedgerError)
    assert AnswerPending.retry_helps
