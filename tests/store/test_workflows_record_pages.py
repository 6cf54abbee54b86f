"""Pages of a record against the whole record, for random histories: what each needs, and no more."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from house import CATALOGUE
from simulated import DEPLOYMENT, SimulatedChain, log

from ledger.crypto.commitments import identity_commitment
from ledger.domain.calendar import to_day
from ledger.domain.parties import parse_party
from ledger.domain.records import Record, record_id
from ledger.domain.standing import in_order, standing
from ledger.index.extents import is_large
from ledger.index.follower import Follower
from ledger.index.pages import Place
from ledger.index.queries import connected, posted_of
from ledger.store import vault
from ledger.store.bulk import insert_rows
from ledger.workflows.record_reading import record_of, record_page

if TYPE_CHECKING:
    from ledger.store.database import Database

PARTIES = [
    "name:CN:One",
    "name:CN:Two",
    "name:CN:Three",
    "uscc:9144030071526726XG",
    "uscc:91440606722473344C",
]
DAY = 20_000
START, SET_UP = Place(0, 0), 3
KEY = b"m" * 32
EVENTS, LIFECYCLE, LINKED_TO, LINKED_FROM = (1, 4, 6, 20), (240, 241, 242, 243), 248, 249


class History:
    """A random chain about five parties, of which the last two may have the others linked to them."""

    def __init__(self, database: Database, seed: int) -> None:
        self.pick = random.Random(seed)
        self.database = database
        self.chain = SimulatedChain(seed)
        self.follower = Follower(database, self.chain, DEPLOYMENT)
        codes = (
            log("Authorities", "AuthorityAdded", [n], code.ljust(32, b"\0"))
            for n, code in enumerate((b"GACC", b"SAMR"), 1)
        )
        self.chain.mine(*codes)
        salts = [bytes([n]) * 32 for n in range(len(PARTIES))]
        self.chain.mine(*(log("CreditLedger", "Registered", [n], salt) for n, salt in enumerate(salts, 1)))
        parsed = [parse_party(each) for each in PARTIES]
        rows = [
            (n, each.key, each.kind, each.text, salt, identity_commitment(salt, each.key), 1, salt)
            for n, (each, salt) in enumerate(zip(parsed, salts, strict=True), 1)
        ]
        with database.write_vault() as connection:
            insert_rows(connection, vault.identities, rows)

    def grow(self, blocks: int) -> None:
        for _ in range(blocks):
            kind = self.pick.randrange(12)
            if kind == 0:
                self.chain.fork(min(self.pick.randrange(1, 3), len(self.chain.blocks) - SET_UP))
            elif kind == 1:
                self.chain.mine(*self._batch(self._link()))
            else:
                many = self.pick.choice((1, 1, 3, 12))
                self.chain.mine(*self._batch([self._any() for _ in range(many)]))
            if self.pick.random() < 0.4:
                self.follower.catch_up()
        self.follower.catch_up()

    def _batch(self, records: list[Record]) -> list[Any]:
        return self.chain.batch(self.pick.choice((1, 1, 1, 2)), records)

    def _any(self) -> Record:
        pick, ids = self.pick, self.chain.state()[4]
        enterprise, kind, ref = pick.randint(1, len(PARTIES)), pick.choice(EVENTS), 0
        if ids and pick.random() < 0.45:
            kind = pick.choice(LIFECYCLE)
            ref = pick.choice(
                [*(number for number, _ in ids[-8:]), record_id(1, 1), record_id(1, 900), 7, 2**64 - 1]
            )
            enterprise = self._about(ref) if pick.random() < 0.8 else enterprise
        return Record(enterprise, kind, 1, DAY - 20, DAY - pick.randrange(-2, 9), ref, pick.randbytes(32))

    def _about(self, ref: int) -> int:
        for _, _, logs in self.chain.blocks:
            for _, topics, data in logs:
                first = int.from_bytes(data[:32], "big")
                if len(data) > 160 and first <= ref < first + (len(data) - 160) // 64:
                    return int(topics[1], 16)
        return 1

    def _link(self) -> list[Record]:
        if self.pick.random() < 0.1:  # by a key past this software: to an enterprise no database can name
            return [Record(1, LINKED_TO, 0, DAY, DAY, 2**64 - 1, self.pick.randbytes(32))]
        name, code, day = self.pick.randint(1, 3), self.pick.randint(4, 5), DAY - self.pick.randrange(9)
        sides = [(name, LINKED_TO, code), (code, LINKED_FROM, name)]
        return [Record(one, kind, 0, day, day, other, self.pick.randbytes(32)) for one, kind, other in sides]

    def whole(self, party: str, as_of: int) -> Any:
        return record_of(self.database, CATALOGUE, KEY, party, as_of)

    def page(self, party: str, as_of: int, after: Place, limit: int, author: int | None = None) -> Any:
        how = {"as_of": as_of, "after": after, "limit": limit, "author": author}
        return record_page(self.database, CATALOGUE, KEY, party, **how)

    def pages(self, party: str, as_of: int, limit: int, after: Place = START) -> Any:
        """All pages after a place, put together."""
        page, last = self.page(party, as_of, after, limit)
        records = page["records"]
        while last is not None:
            assert len(page["records"]) == limit
            page, last = self.page(party, as_of, last, limit)
            records += page["records"]
        return page | {"records": records}


@pytest.mark.parametrize("seed", range(2))
def test_the_pages_together_are_the_record(database: Database, seed: int) -> None:
    history = History(database, seed)
    met: set[str] = set()
    for _ in range(3):
        history.grow(20)
        for party in PARTIES:
            as_of, limit = DAY - history.pick.randrange(-2, 5), history.pick.choice((1, 2, 5, 500))
            whole = history.whole(party, as_of)
            assert history.pages(party, as_of, limit) == whole
            met |= {each["status"] for each in whole["records"]} | {f"linked {len(whole['linked'])}"}
    assert {"in force", "corrected", "revoked", "applied", "without effect", "linked 0"} <= met


def test_random_histories_have_every_status_and_links(database: Database) -> None:
    history = History(database, 12)
    history.grow(110)
    whole = [history.whole(party, DAY + 2) for party in PARTIES]
    assert {each["status"] for one in whole for each in one["records"]} == {
        "in force", "corrected", "revoked", "repaired", "reinstated", "applied", "without effect",
    }  # fmt: skip
    assert any(each["linked"] for each in whole)
    for party, found in zip(PARTIES, whole, strict=True):
        assert history.pages(party, DAY + 2, 10) == found


def test_who_is_reached_by_links_is_as_large_as_all_of_them(database: Database) -> None:
    """Whoever of them is asked for: a name of a large firm is no small one."""
    history = History(database, 3)
    history.grow(60)
    with database.read_index() as index:
        for enterprise in range(1, len(PARTIES) + 1):
            reached = connected(index, enterprise)
            many = len(posted_of(index, reached))
            assert is_large(index, enterprise, many)
            assert not is_large(index, enterprise, many + 1)
        assert max(len(connected(index, each)) for each in range(1, len(PARTIES) + 1)) > 2


def test_pages_of_one_author_are_what_it_wrote_by_itself(database: Database) -> None:
    """As if the others had written nothing: neither their records nor what these do to its own."""
    history = History(database, 12)
    history.grow(60)
    for party, enterprise in zip(PARTIES, range(1, 6), strict=True):
        for author in (1, 2):
            with database.read_index() as index:
                own = [each for each in posted_of(index, [enterprise]) if each.id >> 48 == author]
            states = standing(own, DAY).by_id
            wanted = [each for each in sorted(own, key=in_order) if each.decided_on <= DAY]
            shown, last = [], START
            while last is not None:
                page, last = history.page(party, DAY, last, 3, author)
                shown += page["records"]
                assert page["linked"] == []
            assert [each["commitment"] for each in shown] == [each.commitment.hex() for each in wanted]
            for each, item in zip(wanted, shown, strict=True):
                assert item["status"] == (states[each.id].state if each.id in states else item["status"])


def test_a_place_stays_where_it_is_when_records_are_added(database: Database) -> None:
    history = History(database, 5)
    history.grow(40)
    party = PARTIES[3]
    _, last = history.page(party, DAY, START, 4)
    assert last is not None
    before = {each["record"] for each in history.pages(party, DAY, 4, last)["records"]}
    history.grow(40)
    rest = history.pages(party, DAY, 3, last)["records"]
    whole = history.whole(party, DAY)["records"]
    codes = {"GACC": 1, "SAMR": 2}

    def place(shown: str, day: str) -> Place:
        code, _, number = shown.rpartition("-")
        return Place(to_day(day), record_id(codes[code], int(number)))

    assert rest == [each for each in whole if place(each["record"], each["decided_on"]) > last]
    assert len(before & {each["record"] for each in rest}) > 0


def test_places_that_no_page_gave_are_taken(database: Database) -> None:
    history = History(database, 3)
    history.grow(30)
    whole = history.whole(PARTIES[4], DAY)["records"]
    for after in (Place(2**63 - 1, 2**63 - 1), Place(DAY + 1, 0)):
        assert history.pages(PARTIES[4], DAY, 5, after)["records"] == []
    for after in (Place(0, 2**63 - 1), Place(1, 1), Place(DAY - 9, 0)):
        assert history.pages(PARTIES[4], DAY, 5, after)["records"] == whole
