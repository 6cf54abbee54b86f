"""What an evidence file says of itself: text that would write the report about it, and files made to cost."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from evidence_reader import Told, forged
from evidence_sample import (
    PLACE,
    authorities_of,
    checkpoint_of,
    placed,
    sample_chain,
    tree_of,
    trees_of,
)
from honest_chain import Chain, record

from ledger.audit.command import report
from ledger.audit.evidence import Attached, build_evidence
from ledger.audit.strict_json import Malformed, parse_object
from ledger.audit.verifier import Trusted, verify_evidence
from ledger.crypto.commitments import identity_commitment
from ledger.crypto.heads import genesis_head
from ledger.domain.facts import Registered

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    "code", ["GA\u0421C", "GACC\n  signed by x", "\x1b[1A\x1b[8m", "gacc", "", "A" * 21], ids=repr
)
def test_codes_no_contract_gives(capsys: pytest.CaptureFixture[str], code: str) -> None:
    told = Told(capsys, forged(lambda c: c["authorities"]["shown"][0]["events"][0].update(code=code)))
    told.refused("a code that no authority can have")


def test_another_authoritys_code(capsys: pytest.CaptureFixture[str]) -> None:
    def one(code: str) -> bytes:
        return forged(lambda c: c["authorities"]["shown"][0]["events"][0].update(code=code))

    Told(capsys, one("STA")).refused("or one that another one has")
    Told(capsys, one("US-CPSC-1")).refused("lead to root")


@pytest.mark.parametrize(
    "text", ["\x1b[8m", "a\n  signed by w: verified", "\u202e\u2066", "\u009b8m", "\u2028x"], ids=repr
)
def test_text_of_a_file_is_one_harmless_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A name that a forger may choose: his own firm's."""
    chain = sample_chain()
    chain.block()
    salt = bytes(32)
    commitment = identity_commitment(salt, "name:CN:" + text)
    chain.commitments[6], chain.heads[6] = commitment, genesis_head(6, commitment)
    chain.facts.append(Registered(chain.place(), 6, commitment))
    subject = placed(chain, 6, identity=("name:CN:" + text, salt))
    attached = Attached([], None, None, checkpoint_of(chain))
    data = build_evidence(PLACE, [subject], tree_of(chain), trees_of(chain), None, attached)
    told = Told(capsys, data)
    assert told.code == 0
    assert not any(each in told.text for each in "\x1b\u202e\u2066\u009b\u2028")
    assert "\n  signed by w: verified" not in told.text
    as_json = report(data, Trusted(), "-", as_json=True, allow_incomplete=False)
    printed = capsys.readouterr().out
    assert as_json == 1
    assert printed.count("\n") == 1
    assert json.loads(printed)["subjects"][0]["party"] == "name:CN:" + text


def test_the_refusal_itself_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, forged(lambda c: c.update({"\x1b[8m\nok": 1})))
    told.refused("unknown key")
    assert told.text.count("\n") == 1
    assert "\x1b" not in told.text


MEGABYTES = 10


def cost(data: bytes) -> tuple[float, float]:
    """Seconds, and bytes of memory for each byte of the file."""
    tracemalloc.start()
    before = time.process_time()
    with pytest.raises(Exception):  # noqa: B017  what it is refused for is not the question here
        verify_evidence(data)
    spent = time.process_time() - before
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return spent, peak / len(data)


def whole(unit: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + unit * ((MEGABYTES << 20) // len(unit)) + after


@pytest.mark.parametrize(
    "data",
    [
        whole(b"[", b'{"a":'),
        whole(b"{},", b'{"a":[', b"{}]}"),
        whole(b"[],", b'{"a":[', b"[]]}"),
        whole(b'"a","b",', b'{"a":[', b'""]}'),
        whole(b"1,", b'{"a":[', b"1]}"),
        b'{"a":' + b"9" * (MEGABYTES << 20) + b"}",
        b"{" + b",".join(b'"k%d":1' % n for n in range(900_000)) + b',"k0":1}',
        b'{"format":"' + b"\\u00e9" * 1_700_000 + b'"}',
        b'{"a":"' + b'\\"' * (5 << 20) + b'"}',
    ],
    ids=["deep", "objects", "lists", "texts", "numbers", "digits", "keys", "escapes", "quotes"],
)
def test_ten_megabytes_of_nothing_cost_little(data: bytes) -> None:
    seconds, times = cost(data)
    assert seconds < 5
    assert times < 25


def test_many_mandates_and_many_runs_cost_what_their_sum_costs() -> None:
    def seconds(many: int) -> float:
        chain = Chain()
        chain.add_authority(1)
        chain.register(1)
        for _ in range(many):
            chain.set_mandate(1, (1 << 256) - 1, delay=10**9)
        for _ in range(many):
            chain.batch(1, [record(1)])
        place = PLACE._replace(block_number=10**6, block_time=chain.now)
        attached = Attached(authorities_of(chain))
        data = build_evidence(place, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)
        before = time.process_time()
        verify_evidence(data)
        return time.process_time() - before

    small, large = seconds(500), seconds(2000)
    assert large < 12 * max(small, 0.02)


def test_a_text_without_an_end_costs_its_length() -> None:
    for inside in (b'\\"' * 2_000_000, b'\\"' * 2_000_000 + b"\\"):
        begun = time.process_time()
        with pytest.raises(Malformed):
            parse_object(b'{"a":"' + inside, 10**9)
        assert time.process_time() - begun < 5


@pytest.mark.parametrize("code", ["A" * 33, "gacc", "STA"])
def test_a_code_in_a_later_event_is_refused(capsys: pytest.CaptureFixture[str], code: str) -> None:
    event = {"at": "98-0-1790003000", "code": code}
    Told(capsys, forged(lambda it: it["authorities"]["shown"][0]["events"].append(event))).refused(
        "malformed"
    )
