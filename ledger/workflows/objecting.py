"""Objections: opened for an enterprise, answered by the authority that made the record, and listed.

What is said stays in the vault, sealed like a document, stored before its commitment goes to the chain. The
same said again, as by who did not hear that the first try went through, is the objection as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from sqlalchemy import bindparam, insert, select

from ledger.chain.accounts import checked_address
from ledger.chain.authority_keys import writing_key
from ledger.chain.contracts import answer_digest
from ledger.crypto.typed_data import SignedAnswer
from ledger.domain.calendar import iso
from ledger.domain.facts import OUTCOMES
from ledger.domain.records import RECORD_BYTES, ids_of, record_id, split_id, unpack_run
from ledger.errors import BadValue, Conflict, Forbidden, NotFound
from ledger.index.queries import all_authorities
from ledger.outbox.documents import Sealed, open_document, seal_document
from ledger.store.bulk import IN_LIST
from ledger.store.index import answers, objections, runs
from ledger.store.types import LARGEST
from ledger.store.vault import statements
from ledger.workflows.enterprise_keys import check_voice
from ledger.workflows.held import PAGE_BYTES
from ledger.workflows.sending import present, send

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from ledger.chain.keyfile import KeyFile
    from ledger.store.database import Database
    from ledger.workflows.office import Office

#: Seconds for which a signed answer may be used.
_SIGNED_FOR: Final = 3600
#: Of a statement or answer, in UTF-8.
_LONGEST: Final = 1 << 20


class ObjectionDict(TypedDict):
    """An objection. `outcome`: open, upheld, partly upheld or rejected; texts not held here are null.

    `by` is the account that opened it: the enterprise's key, or the registrar's for one that has none.
    """

    objection: int
    record: str
    by: str
    opened_on: str
    due_on: str
    overdue: bool
    outcome: str
    statement: str | None
    answer: str | None
    grounds_commitment: str
    answer_commitment: str | None


class Asked(NamedTuple):
    """An objection to be answered: whose, and to which record of which authority."""

    objection: int
    enterprise: int
    authority: int
    code: str
    number: int


def open_objection(
    ledger: Office, record: str, statement: str, own_key: KeyFile | None = None
) -> ObjectionDict:
    """Object to a record (`CODE-NUMBER`) as the enterprise it is about, by its own key, or as its registrar.

    Raises `BadValue`, `NotFound` (no such record), `Forbidden` (the key is not the enterprise's, or it has
    one and the registrar objects), `ChainRefused`: an objection that says something else is open already.
    """
    with ledger.db.read_index() as index:
        number = _record_number(index, record)
        enterprise = _enterprise_of(index, number, record)
    check_voice(ledger, enterprise, None if own_key is None else own_key.address())
    for each in _all(ledger, objections.c.record == number):
        if (each["outcome"], each["statement"]) == ("open", statement.strip()):
            return each
    grounds = keep_text(ledger, "statement", statement)
    call = ledger.contracts.open_objection(enterprise, number, grounds, for_it=own_key is None)
    send(ledger, call, "operator" if own_key is None else "enterprise", own_key)
    (found,) = _all(ledger, objections.c.grounds == grounds)
    return found


def answer_objection(ledger: Office, objection: int, outcome: str, answer: str) -> ObjectionDict:
    """Answer an objection with a signature by the key of the authority that made the record.

    Raises `BadValue`, `NotFound`, `Conflict` (answered otherwise), `Forbidden` (four eyes are on),
    `Misconfigured` (no key of the authority here), `ChainRefused`.
    """
    value = outcome_number(outcome)
    about, standing = asked(ledger, objection), objection_now(ledger, objection)
    if (standing["outcome"], standing["answer"]) == (outcome, answer.strip()):
        return standing
    refuse_answered(ledger, objection)
    authority, code = about.authority, about.code
    if ledger.contracts.needs_wallet(authority):
        why = f"{code} asks for four eyes: its answers are for its wallet's officers to sign"
        raise Forbidden(f"{why}: credit-ledger objection show {objection}")
    commitment = keep_text(ledger, "answer", answer)
    now = present(ledger)
    name = writing_key(ledger.contracts, ledger.keystore, authority, code, now)
    signed = answer_to(ledger, about, value, commitment, now + _SIGNED_FOR)
    digest = answer_digest(ledger.contracts.deployment, signed)
    key, signature = ledger.keystore.address(name), ledger.keystore.sign_batch(name, digest)
    call = ledger.contracts.answer_signed(objection, value, commitment, signed.deadline, key, signature)
    send(ledger, call)
    return objection_now(ledger, objection)


def outcome_number(outcome: str) -> int:
    """Return an outcome's number in the contract; 0 for `open` is none. Raises `BadValue`."""
    value = next((each for each, name in OUTCOMES.items() if name == outcome), None)
    if value is None:
        raise BadValue("outcome", outcome, f"one of {', '.join(OUTCOMES.values())}")
    return value


def asked(ledger: Office, objection: int) -> Asked:
    """Return who is to answer an objection, and about what. Raises `NotFound`."""
    with ledger.db.read_index() as index:
        columns = (objections.c.record, objections.c.enterprise)
        row = None
        if objection <= LARGEST:  # beyond, a database would not even compare it
            row = index.execute(select(*columns).where(objections.c.objection == objection)).one_or_none()
        if row is None:
            raise NotFound(f"there is no objection {objection}")
        authority, number = split_id(row.record)
        return Asked(objection, row.enterprise, authority, _codes(index)[authority], number)


def refuse_answered(ledger: Office, objection: int) -> None:
    """Raise `Conflict` for an objection that has its answer."""
    with ledger.db.read_index() as index:
        columns = (answers.c.outcome, answers.c.by)
        row = index.execute(select(*columns).where(answers.c.objection == objection)).one_or_none()
    if row is not None:
        how = f"{OUTCOMES.get(row.outcome, row.outcome)}, by {checked_address('by', row.by)}"
        raise Conflict(f"objection {objection} is answered already ({how})")


def answer_to(ledger: Office, about: Asked, outcome: int, answer: bytes, deadline: int) -> SignedAnswer:
    """Return what is signed for an answer now; `answer` is the text's commitment, `deadline` Unix seconds."""
    epoch = ledger.contracts.signature_epoch(about.authority)
    return SignedAnswer(
        about.objection, about.enterprise, about.code, about.number, outcome, answer, epoch, deadline
    )


def objections_of(
    database: Database, master_key: bytes, enterprises: Collection[int], today: int
) -> list[ObjectionDict]:
    """Return all objections of these enterprises, by number."""
    with database.read_vault() as vault, database.read_index() as index:
        return _shown(vault, index, master_key, objections.c.enterprise.in_(enterprises), today)


def objections_page(
    database: Database,
    master_key: bytes,
    enterprises: Collection[int],
    today: int,
    *,
    author: int | None = None,
    after: int = 0,
    limit: int,
) -> tuple[list[ObjectionDict], bool]:
    """Return `limit` objections of these enterprises after a number, and whether there are more after them.

    Fewer, once their texts have `PAGE_BYTES`. With an `author`, those to its records alone.
    """
    number, wanted = objections.c.objection, objections.c.objection > after
    if author is not None:
        wanted &= objections.c.record.between(*ids_of(author))
    with database.read_vault() as vault, database.read_index() as index:
        numbers: list[int] = []
        for each in enterprises:  # one by one: of all together the database would sort every objection
            own = select(number).where(objections.c.enterprise == each, wanted)
            numbers += index.scalars(own.order_by(number).limit(limit + 1))
        following = sorted(numbers)[: limit + 1]
        found, size = list[ObjectionDict](), 0
        for each in following[:limit]:
            found += _shown(vault, index, master_key, number == each, today)
            size += sum(len(text or "") for text in (found[-1]["statement"], found[-1]["answer"]))
            if size >= PAGE_BYTES:
                break
    return found, len(found) < len(following)


def disputed(index: Connection, enterprises: Collection[int], records: Sequence[int]) -> set[int]:
    """Return which of these records open objections of these enterprises are about."""
    found: set[int] = set()
    for start in range(0, len(records), IN_LIST):
        wanted = {"enterprises": list(enterprises), "records": records[start : start + IN_LIST]}
        found.update(index.scalars(_DISPUTED, wanted))
    return found


_DISPUTED = (
    select(objections.c.record)
    .outerjoin(answers, answers.c.objection == objections.c.objection)
    .where(
        objections.c.record.in_(bindparam("records", expanding=True)),
        objections.c.enterprise.in_(bindparam("enterprises", expanding=True)),
        answers.c.objection.is_(None),
    )
)


def _record_number(index: Connection, record: str) -> int:
    code, _, number = record.strip().rpartition("-")
    numbers = {name: authority for authority, name in _codes(index).items()}
    if code.upper() not in numbers or not number.isascii() or not number.isdigit() or len(number) > 14:
        raise BadValue("record", record, "not CODE-NUMBER, such as GACC-12")
    return record_id(numbers[code.upper()], int(number))


def _enterprise_of(index: Connection, number: int, shown: str) -> int:
    before = select(runs).where(runs.c.first_id <= number).order_by(runs.c.first_id.desc()).limit(1)
    run = index.execute(before).one_or_none()
    if run is None or number >= run.first_id + len(run.records) // RECORD_BYTES:
        raise NotFound(f"there is no record {shown}")
    (found,) = (each for each in unpack_run(run.first_id, run.records) if each.id == number)
    return found.enterprise


def _codes(index: Connection) -> Mapping[int, str]:
    return {each.authority: each.code for each in all_authorities(index)}


def keep_text(ledger: Office, field: str, text: str) -> bytes:
    """Seal a statement or an answer in the vault; return its commitment. Raises `BadValue`."""
    content = text.strip().encode()
    if not 0 < len(content) <= _LONGEST:
        raise BadValue(field, text[:80], "empty, or longer than 1 MiB")
    sealed = seal_document(ledger.keystore.master_key, content)
    with ledger.db.write_vault() as vault:
        vault.execute(insert(statements).values(**sealed._asdict()))
    return sealed.commitment


def text_held(ledger: Office, commitment: bytes) -> str | None:
    """Return the statement or answer under a commitment, if it is held here."""
    with ledger.db.read_vault() as vault:
        return _text(vault, ledger.keystore.master_key, commitment)


def objection_now(ledger: Office, objection: int) -> ObjectionDict:
    """Return an objection as the index has it."""
    (found,) = _all(ledger, objections.c.objection == objection)
    return found


def _all(ledger: Office, which: ColumnElement[bool]) -> list[ObjectionDict]:
    with ledger.db.read_vault() as vault, ledger.db.read_index() as index:
        return _shown(vault, index, ledger.keystore.master_key, which, ledger.today())


def _shown(
    vault: Connection, index: Connection, master_key: bytes, which: ColumnElement[bool], today: int
) -> list[ObjectionDict]:
    columns = (*objections.c, answers.c.outcome, answers.c.answer)
    chosen = select(*columns).outerjoin(answers, answers.c.objection == objections.c.objection)
    rows = index.execute(chosen.where(which).order_by(objections.c.objection)).all()
    codes = _codes(index)
    found: list[ObjectionDict] = []
    for each in rows:
        authority, number = split_id(each.record)
        found.append(
            {
                "objection": each.objection,
                "record": f"{codes.get(authority, f'authority {authority}')}-{number}",
                "by": checked_address("by", each.by),
                "opened_on": iso(each.opened_on),
                "due_on": iso(each.due_on),
                "overdue": each.outcome is None and today > each.due_on,
                "outcome": "open" if each.outcome is None else OUTCOMES.get(each.outcome, str(each.outcome)),
                "statement": _text(vault, master_key, each.grounds),
                "answer": each.answer and _text(vault, master_key, each.answer),
                "grounds_commitment": each.grounds.hex(),
                "answer_commitment": each.answer and each.answer.hex(),
            }
        )
    return found


def _text(vault: Connection, master_key: bytes, commitment: bytes) -> str | None:
    row = vault.execute(select(statements).where(statements.c.commitment == commitment)).one_or_none()
    if row is None or row.wrapped_key is None:
        return None
    return open_document(master_key, Sealed(*row)).content.decode()
