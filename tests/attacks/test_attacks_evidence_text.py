"""What an evidence file says of itself: text that would write the report about it, and files made to cost."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from evidence_reader import CHAIN, Told, forged, made
from evidence_sample import (
    PLACE,
    authorities_of,
    checkpoint_of,
    placed,
    resealed,
    sample_chain,
    tree_of,
    trees_of,
)
from honest_chain import Chain, key_of, record

from ledger.audit.command import report
from ledger.audit.evidence import Attached, build_evidence
from ledger.audit.objected import carried_out
from ledger.audit.report_text import claims_text
from ledger.audit.strict_json import Fields, Malformed, parse_object
from ledger.audit.subjects import read_subject
from ledger.audit.verifier import RecordsUnfit, Trusted, verify_evidence
from ledger.crypto.commitments import identity_commitment
from ledger.crypto.heads import genesis_head, next_head
from ledger.domain.facts import Registered
from ledger.domain.records import pack_run
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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


def test_many_mandates_many_lost_keys_and_many_runs_cost_what_their_sum_costs() -> None:
    def seconds(many: int) -> float:
        chain = Chain()
        chain.add_authority(1)
        chain.register(1)
        for _ in range(many):
            chain.set_mandate(1, (1 << 256) - 1, delay=10**9)
            chain.compromise(1, key_of(1, 1), chain.now)
        for _ in range(many):
            chain.batch(1, [record(1)])
        place = PLACE._replace(block_number=10**6, block_time=chain.now)
        attached = Attached(authorities_of(chain))
        data = build_evidence(place, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)
        before = time.process_time()
        claims_text(verify_evidence(data))
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


# ---------------------------------------------------------------- costs: four times as much costs four times as much


def small_base() -> dict[str, Any]:
    """A file that is read to its roots and refused there: nobody signed it."""
    content = json.loads(made(CHAIN, shown=(1,), score_day=None, checkpoint=None))
    content["authorities"] |= {"shown": []}
    content["tree"]["size"] = 2**62
    content["subjects"][0] |= {"documents": [], "runs": [], "objections": []}
    return content


def with_runs(content: dict[str, Any], runs: list[tuple[int, int, bytes]]) -> None:
    """Put these runs (first number, leaf, records) in, with the head they lead to."""
    subject = content["subjects"][0]
    head = genesis_head(1, bytes.fromhex(subject["identity_commitment"]))
    for number, leaf, records in runs:
        subject["runs"].append(
            {"first": f"1-{number}", "leaf_index": leaf, "records": b64encode(records).decode()}
        )
        head = next_head(head, 1 << 48 | number, records)
    subject["head"] = head.hex()


def opened(number: int, record_: int) -> dict[str, Any]:
    days = {"opened_on": "2026-09-21", "due_on": "2026-09-21"}
    said = {"at": f"{2 * number}-0-1790000000", "objection": number, "by": "0x" + "0" * 40}
    return said | {"record": f"1-{record_}", "grounds": "0" * 64} | days


def answered(number: int) -> dict[str, Any]:
    said = {"at": f"{2 * number + 1}-0-1790000000", "objection": number, "by": "0x" + "0" * 40}
    return said | {"outcome": 1, "answer": "0" * 64}


def open_objections(many: int) -> dict[str, Any]:
    content = small_base()
    content["subjects"][0]["objections"] = [opened(n, n) for n in range(1, many + 1)]
    with_runs(content, [])
    return content


def upheld_and_corrected(many: int) -> dict[str, Any]:
    content = small_base()
    told = [each for n in range(1, many // 4 + 1) for each in (opened(n, 1), answered(n))]
    content["subjects"][0]["objections"] = told
    runs = [(1, 0, pack_run([record(1)]))]
    parts = [2 + at for at in range(0, 8 * many, 1000)]
    runs += [(n, n, pack_run([record(1, 240, ref=1 << 48 | 1)] * 1000)) for n in parts]
    with_runs(content, runs)
    return content


@pytest.mark.parametrize("kind", [open_objections, upheld_and_corrected])
def test_many_of_a_kind_cost_what_their_sum_costs(kind: Callable[[int], dict[str, Any]]) -> None:
    def seconds(many: int) -> float:
        data = resealed(kind(many))
        subject = parse_object(data, 10**9)["subjects"]
        before = time.process_time()
        entry = Fields(subject[0], "subject")  # type: ignore[index]  # as it was made
        carried_out([read_subject(entry)[0]])
        return time.process_time() - before

    small, large = min(seconds(1000), seconds(1000)), min(seconds(4000), seconds(4000))
    assert large < 8 * max(small, 0.02), (small, large)


def flooding(bits: int) -> list[int]:
    """Numbers of which the later ones meet, in a `dict` of 2^bits places, half of all others one after another.

    A dictionary looks for a number n at n, then at 5 * n + 1 + (n >> 5), and so on, each modulo its size.
    """
    size = 1 << bits
    chain, place = dict[int, None](), 1
    for _ in range(size // 2):
        chain[place] = None
        place = (5 * place + 1) % size
    early, chance, found = list(chain)[: size // 8], random.Random(1), dict[int, None]()
    while len(found) < size // 8:
        number = chance.randrange(1, 1 << 10) << bits | chance.choice(early)
        at, rest = number % size, number
        while rest and at in chain:
            rest >>= 5
            at = (5 * at + rest + 1) % size
        if at in chain and not rest:
            found[number] = None
    return [*sorted(chain), *sorted(found)]


@pytest.mark.parametrize("what", ["leaves", "numbers"])
def test_numbers_chosen_to_meet_cost_what_others_cost(what: str) -> None:
    flooded = flooding(13)
    ordinary = range(10**6, 10**6 + len(flooded))
    records = pack_run([record(1)])

    def seconds(chosen: Iterable[int]) -> float:
        content = small_base()
        numbered = enumerate(chosen, 1)
        runs = [(n, each, records) if what == "leaves" else (each, n, records) for n, each in numbered]
        with_runs(content, runs)
        data = resealed(content)
        spent = []
        for _ in range(3):
            before = time.process_time()
            with pytest.raises(BadProof):
                verify_evidence(data)
            spent.append(time.process_time() - before)
        return min(spent)

    def plain(chosen: Iterable[int]) -> float:
        spent = []
        for _ in range(3):
            before = time.process_time()
            assert dict.fromkeys(chosen)
            spent.append(time.process_time() - before)
        return min(spent)

    assert plain(flooded) > 8 * plain(ordinary), "they do meet in a dictionary of plain numbers"
    assert seconds(flooded) < 2 * seconds(ordinary)


def test_a_run_that_no_batch_can_hold_is_refused() -> None:
    content = small_base()
    with_runs(content, [(1, 0, pack_run([record(1)] * 1001))])
    with pytest.raises(RecordsUnfit, match="a run of 1001 records cannot be"):
        verify_evidence(resealed(content))
