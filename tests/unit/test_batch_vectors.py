"""The Python code against tests/vectors/batches.json, which forge holds the contract against (Vectors.t.sol).

Encoding, typed-data digest, head, leaf and root of random batches, and every hostile call of the file: what the
contract reverts with there, the replay names here.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from ledger.audit.postings import Posting, answered_by, batches_of
from ledger.audit.replay import Replay
from ledger.crypto.heads import leaf_data, next_head
from ledger.crypto.merkle import Log, leaf_hash
from ledger.crypto.typed_data import batch_digest, batch_domain, signed_batch, signer
from ledger.domain.facts import (
    AuthorityAdded,
    BatchRecorded,
    Fact,
    KeySet,
    MandateSet,
    Place,
    Registered,
    Run,
)
from ledger.domain.records import pack_run, unpack

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "batches.json").read_text())
AUTHORITY, CODE, KEY, TIME = 1, VECTORS["code"], VECTORS["key"].lower(), VECTORS["time"]
DOMAIN = batch_domain(VECTORS["chain_id"], bytes.fromhex(VECTORS["contract"][2:]))
SIGNED = "batch without its key's signature"


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


class Facts(list[Fact]):
    """What a log says of these calls, without the contract's checks."""

    def __init__(self) -> None:
        super().__init__()
        self.log, self.heads = Log(), dict[int, bytes]()

    def place(self) -> Place:
        return Place(1, bytes(32), TIME, len(self))

    def begin(self) -> None:
        self.append(AuthorityAdded(self.place(), AUTHORITY, CODE))
        self.append(MandateSet(self.place(), AUTHORITY, int(VECTORS["mandate"], 16), 0, TIME))
        self.append(KeySet(self.place(), AUTHORITY, KEY, TIME, 2**64 - 1))
        for number, commitment in enumerate(VECTORS["commitments"], 1):
            self.append(Registered(self.place(), number, raw(commitment)))

    def post(self, call: dict[str, Any]) -> None:
        records, number = raw(call["records"]), call["first_number"]
        each = [records[at : at + 64] for at in range(0, len(records), 64)]
        self.append(BatchRecorded(self.place(), AUTHORITY, KEY, number, len(each)))
        for enterprise, group in groupby(each, key=lambda record: int.from_bytes(record[:8], "big")):
            run = list(group)
            first_id = AUTHORITY << 48 | number
            head = next_head(self.heads.get(enterprise, bytes(32)), first_id, b"".join(run))
            self.heads[enterprise] = head
            size = self.log.size
            self.append(Run(self.place(), enterprise, AUTHORITY, first_id, size, head, b"".join(run)))
            self.log.append(leaf_hash(leaf_data(enterprise, head)))
            number += len(run)


#: The vectors' records are drawn one by one, so their links come without mirrors.
PAIRS = {"link without its mirror", "mirror without its link", "link revoked without its mirror"}


@cache
def honest() -> tuple[Facts, Replay]:
    """The batches of the file, replayed: each is asserted to hold, with its heads and root."""
    facts, replay = Facts(), Replay()
    facts.begin()
    for fact in facts:
        assert not replay.apply(fact)
    told = len(facts)
    facts.heads.update(replay.heads)
    for call in VECTORS["batches"]:
        facts.post(call)
        found = [each.what for fact in facts[told:] for each in replay.apply(fact)]
        told = len(facts)
        assert {*found, *(each.what for each in replay.finish())} <= PAIRS
        assert {number: replay.heads[int(number)].hex() for number in call["heads"]} == {
            number: head[2:] for number, head in call["heads"].items()
        }
        assert (replay.log.size, replay.log.root()) == (call["log_size"], raw(call["root"]))
    return facts, replay


def test_heads_leaves_and_roots_of_random_batches() -> None:
    _, replay = honest()
    assert replay.recorded.records == sum(len(raw(call["records"])) // 64 for call in VECTORS["batches"])


@pytest.mark.parametrize("call", VECTORS["batches"], ids=lambda call: f"from {call['first_number']}")
def test_encoding_and_digest_of_random_batches(call: dict[str, Any]) -> None:
    records = raw(call["records"])
    assert pack_run(unpack(records)) == records
    batch = signed_batch(CODE, call["first_number"], records, call["deadline"])
    assert batch.types == tuple(call["types"])
    assert batch_digest(DOMAIN, batch) == raw(call["digest"])
    assert signer(raw(call["digest"]), raw(call["signature"])) == KEY


@pytest.mark.parametrize("call", VECTORS["hostile"], ids=lambda call: call["name"])
def test_a_replay_names_what_the_contract_refuses(call: dict[str, Any]) -> None:
    facts = Facts()
    facts.extend(honest()[0])
    facts.heads, facts.log = dict(honest()[0].heads), Log()
    for fact in facts:
        if isinstance(fact, Run):
            facts.log.append(leaf_hash(leaf_data(fact.enterprise, fact.head)))
    replay = Replay()
    assert {each.what for fact in facts for each in replay.apply(fact)} <= PAIRS
    assert {each.what for each in replay.finish()} <= PAIRS
    told = len(facts)
    facts.post(call)
    found = [each.what for fact in facts[told:] for each in replay.apply(fact)]
    found = [each for each in (*found, *(each.what for each in replay.finish())) if each not in PAIRS]
    posting = Posting(
        AUTHORITY, call["first_number"], deadline=call["deadline"], signature=raw(call["signature"])
    )
    answered = [answered_by(batch, CODE, [posting], DOMAIN) for batch in batches_of(facts[told:])]
    if call["deviation"] == SIGNED:
        assert (found, answered) == ([], [None])
    else:
        assert call["deviation"] in found
        assert answered[0] == "signed"
