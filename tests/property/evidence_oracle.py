"""What is true of a ledger, told slowly from its facts, and every line of a verdict held against it.

Nothing here calls the verifier, nor what the verifier computes with: days, names, heads, roots, links, lifecycle and
scores are told again from the facts by other means.
"""

from __future__ import annotations

import re
import struct
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evidence_sample import CARD, CONTENT, SALT
from honest_chain import CODES, TODAY, Chain, party_of
from merkle_reference import mth
from test_scoring_reference import reference_score

from ledger.crypto.commitments import commit
from ledger.domain import facts
from ledger.domain.records import Posted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.audit.evidence import StatedPlace

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = {
    each["number"]: each
    for each in tomllib.loads((ROOT / "ledger" / "domain" / "catalogue.toml").read_text(encoding="utf-8"))[
        "type"
    ]
}
OUTCOMES = {0: "open", 1: "upheld", 2: "partly upheld", 3: "rejected"}


def day_text(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def civil(time: int) -> str:
    return datetime.fromtimestamp(time, timezone(timedelta(hours=8))).isoformat()


def utc(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unpacked(run: facts.Run) -> Iterator[Posted]:
    for at in range(0, len(run.records), 64):
        raw = run.records[at : at + 64]
        yield Posted(run.first_id + at // 64, *struct.unpack(">QHBIIQ", raw[:27]), raw[32:])


def slow_posted(chain: Chain, enterprises: set[int]) -> list[Posted]:
    return [
        record
        for fact in chain.facts
        if isinstance(fact, facts.Run) and fact.enterprise in enterprises
        for record in unpacked(fact)
    ]


def slow_links(posted: list[Posted], day: int) -> dict[int, int]:
    """Links of this history: always pairs by authority 1 to enterprise 1, revoked by authority 1 alone."""
    revoked = {p.ref for p in posted if p.type == 241 and p.decided_on <= day}
    to, back = ([p for p in posted if p.type == kind and p.decided_on <= day] for kind in (248, 249))
    return {
        one.enterprise: one.ref
        for one in to
        for other in back
        if (other.enterprise, other.ref) == (one.ref, one.enterprise) and not {one.id, other.id} & revoked
    }


class Truth(NamedTuple):
    """One ledger at one block. `signers` are who signed its statement: the log's name, then the witnesses'."""

    chain: Chain
    place: StatedPlace
    signers: tuple[str, ...]

    def told(self, *kinds: type) -> Iterator[Any]:
        return (each for each in self.chain.facts if isinstance(each, kinds))

    def posted(self, *enterprises: int) -> list[Posted]:
        return slow_posted(self.chain, set(enterprises))

    def name(self, record: int) -> str:
        return f"{CODES[record >> 48]}-{record % 2**48}"

    def bare(self, record: int) -> str:
        return f"{record >> 48}-{record % 2**48}"

    def score(self, enterprise: int, day: int) -> tuple[int, str]:
        milli, grade, _ = reference_score(self.posted(*self.names(enterprise, day)), CARD, day, True)
        return milli, grade

    def names(self, enterprise: int, day: int) -> list[int]:
        """Those whose records count as the enterprise's. The scorer's reference knows one enterprise: they are its own."""
        targets = slow_links(self.posted(*self.chain.heads), day)
        assert enterprise not in targets
        return [enterprise, *(name for name, code in targets.items() if code == enterprise)]

    def head(self, enterprise: int) -> str:
        moved = [f.head for f in self.told(facts.Run) if f.enterprise == enterprise]
        return (moved[-1] if moved else self.chain.heads[enterprise]).hex()

    def leaves(self) -> list[bytes]:
        return [f.enterprise.to_bytes(8, "big") + f.head for f in self.told(facts.Run)]

    def compromised(self, authority: int, key: str) -> int | None:
        told = [f.from_ for f in self.told(facts.KeyCompromised) if (f.authority, f.key) == (authority, key)]
        return told[-1] if told else None

    def carried_out(self, opened: facts.ObjectionOpened) -> bool:
        """Whether the last correction, revocation or reinstatement since then, by day and number, undoes the record."""
        since = [
            each
            for run in self.told(facts.Run)
            if (run.at.block_number, run.at.log_index) > (opened.at.block_number, opened.at.log_index)
            for each in unpacked(run)
            if each.type in (240, 241, 243)
            and each.ref == opened.record
            and each.id >> 48 == opened.record >> 48
            and each.decided_on >= opened.opened_on
        ]
        since.sort(key=lambda each: (each.decided_on, each.id))
        return bool(since) and since[-1].type != 243


@cache
def root_of(leaves: tuple[bytes, ...]) -> str:
    return mth(list(leaves)).hex()


class Printed:
    """The lines of one verdict, each taken once. `content` is the file: what it shows is its own choice."""

    def __init__(self, text: str, content: dict[str, Any], truth: Truth) -> None:
        self.lines = text.rstrip("\n").split("\n")
        self.content, self.truth = content, truth
        self.shown = [each["enterprise"] for each in content["subjects"]]
        self.with_authorities = bool(content["authorities"]["shown"])

    def check(self) -> None:
        """Every line is one of these, in this order, and true."""
        self._headline()
        for subject in self.content["subjects"]:
            self._subject(subject)
        if self.with_authorities:
            self._authorities()
        if "score" in self.content:
            self._score()
        self._not_proven()
        assert not self.lines, self.lines

    def next(self) -> str:
        return self.lines.pop(0)

    def expect(self, *lines: str) -> None:
        for each in lines:
            assert self.next() == each

    def _headline(self) -> None:
        place, signers = self.truth.place, self.truth.signers
        number, block_hash, time = place.block_number, place.block_hash.hex(), place.block_time
        leaves = self.truth.leaves()
        self.expect(
            "The evidence holds 证据文件核验通过:",
            f"  complete as of block {number} ({block_hash[:16]}), block time {utc(time)}, signed {utc(time + 60)} "
            f"by {signers[0]}, recomputed by {', '.join(signers[1:])}",
            f"  chain {place.chain_id} from block {place.genesis.hex()}, contract 0x{place.contract.hex()}",
            f"  block {number}, hash {block_hash}, its time {civil(time)}",
            f"  log of {len(leaves)} leaves, root {root_of(tuple(leaves))}",
            f"  signed by {signers[0]} at {civil(time + 60)}: verified 签名已核验",
            *(f"  signed by {each} at {civil(time + 90)}: verified 签名已核验" for each in signers[1:]),
        )

    def _subject(self, subject: dict[str, Any]) -> None:
        number = subject["enterprise"]
        who = party_of(number) if "identity" in subject else "which firm this number is: not shown"
        records = self.truth.posted(number)
        self.expect(
            "",
            f"enterprise {number}  {who}",
            f"  complete record of number {number} 完整记录: {len(records)} records, head {self.truth.head(number)}",
        )
        assert all(each["content"] == CONTENT.decode() for each in subject["documents"])
        documents = {each["record"] for each in subject["documents"]}
        for record in records:
            self._record(record, self.truth.bare(record.id) in documents)
        answers = {f.objection: f for f in self.truth.told(facts.ObjectionAnswered)}
        for opened in self.truth.told(facts.ObjectionOpened):
            if opened.enterprise == number:
                self._objection(opened, answers.get(opened.objection))

    def _record(self, record: Posted, document: bool) -> None:
        line, kind = self.next(), CATALOGUE[record.type]
        name = self.truth.name(record.id) if self.with_authorities else self.truth.bare(record.id)
        start = f"  {day_text(record.decided_on)}  {name:<14} {kind['code']} {kind['zh']} {kind['en']}  "
        assert line.startswith(start), (line, start)
        assert not document or record.commitment == commit(SALT, CONTENT)
        rest = line.removeprefix(start)
        shown = f"[document {'shown' if document else 'not shown'}]"
        assert rest.startswith(shown)
        rest = rest.removeprefix(shown)
        if self.with_authorities:
            # Where, when and by which key: the file's word, and said to be.
            found = re.match(
                r"  written in block [0-9]+ at (\S+), as the file says, by (0x[0-9a-f]{40}), as the file says",
                rest,
            )
            assert found, rest
            rest = rest[found.end() :]
            since = self.truth.compromised(record.id >> 48, found[2])
            lost = since is not None and since <= datetime.fromisoformat(found[1]).timestamp()
        else:
            since, lost = None, False
        perhaps = self.with_authorities and any(
            fact.authority == record.id >> 48 and record.decided_on <= (fact.at.timestamp + 8 * 3600) // 86400
            for fact in self.truth.told(facts.KeyCompromised)
        )
        severity = f"; severity 严重程度 {record.severity}, and its type's is {kind['severity']}"
        expected = severity if record.severity != kind["severity"] else ""
        if lost and since is not None:
            expected += (
                f"; that key was declared compromised 密钥已声明失控: in wrong hands since {civil(since)}"
            )
        elif perhaps:
            expected += (
                "; a key of its authority was declared compromised 密钥曾失控, and may have written it"
            )
        assert rest == expected

    def _objection(self, opened: facts.ObjectionOpened, answer: facts.ObjectionAnswered | None) -> None:
        name = self.truth.name(opened.record) if self.with_authorities else self.truth.bare(opened.record)
        outcome, own = answer.outcome if answer else 0, {p.id for p in self.truth.posted(*self.shown)}
        missing, by = "", "" if answer is None else f", by {answer.by}"
        told = {each["authority"] for each in self.content["authorities"]["shown"]}
        if answer is not None and opened.record >> 48 not in told:
            by += "; whether that key might answer is not shown"
        elif answer is not None:
            since = self.truth.compromised(opened.record >> 48, answer.by)
            if since is not None and since <= answer.at.timestamp:
                by += (
                    f"; that key was declared compromised 密钥已声明失控: in wrong hands since {civil(since)}"
                )
        if outcome in (1, 2) and opened.record not in own:
            missing = "; whether it was carried out is not shown: the record is in another file"
        elif outcome in (1, 2):
            line = self.lines[0]
            if self.truth.carried_out(opened):
                pass
            elif line.endswith("its correction is missing") or (self.with_authorities and not self._moved()):
                missing = "; upheld, and its correction is missing"
        self.expect(
            f"  objection 异议 {opened.objection} to {name}, opened {day_text(opened.opened_on)}, "
            f"due {day_text(opened.due_on)}: {OUTCOMES[outcome]}{by}{missing}"
        )

    def _moved(self) -> bool:
        """Whether the file moves runs: a change of the same day may then seem to come after an objection."""
        places = {f.leaf_index: f"{f.at.block_number}-{f.at.log_index}-" for f in self.truth.told(facts.Run)}
        runs = [run for each in self.content["subjects"] for run in each["runs"]]
        return any(not run["at"].startswith(places[run["leaf_index"]]) for run in runs)

    def _authorities(self) -> None:
        self.expect(
            "",
            "if each was written when and with the key that the file says, its key and mandate held, by what was said "
            "of (as signed):",
        )
        for number in (each["authority"] for each in self.content["authorities"]["shown"]):
            marks = []
            for kind, field, mark in (
                (facts.SuspensionSet, "suspended", "suspended 已暂停"),
                (facts.FourEyesSet, "required", "four eyes 双人复核"),
            ):
                told = [getattr(f, field) for f in self.truth.told(kind) if f.authority == number]
                marks += [mark] if told and told[-1] else []
            self.expect(f"  {CODES[number]}" + (f": {', '.join(marks)}" if marks else ""))
            for fact in self.truth.told(facts.KeyCompromised):
                if fact.authority == number:
                    lost = "was declared compromised: that a record here is not by it, no file shows 密钥失陷"
                    self.expect(f"    key {fact.key} {lost}")

    def _score(self) -> None:
        self.expect("")
        line = self.next()
        found = re.fullmatch(
            r"score 评分 (\S+)   grade 等级 ([A-Z])   (\S{10})(.*)   Default scorecard 2026( \(.*\))? ([0-9a-f]{16})",
            line,
        )
        assert found, line
        first = self.shown[0]
        day = (date.fromisoformat(found[3]) - date(1970, 1, 1)).days
        assert day <= TODAY
        early = " (the card takes effect on 2026-04-01, after that day)" if found[3] < "2026-04-01" else None
        assert (found[5], found[6]) == (early, CARD.hash.hex()[:16])
        assert (round(float(found[1]) * 1000), found[2]) == self.truth.score(first, day)
        if day == TODAY:
            assert not found[4]
        elif found[4] != f", EARLIER than the signed day {day_text(TODAY)}":
            milli, grade = self.truth.score(first, TODAY)
            assert (
                found[4]
                == f", EARLIER than the signed day {day_text(TODAY)}: on that day {milli / 1000:g} {grade}"
            )
        records = {
            self.truth.name(each.id) if self.with_authorities else self.truth.bare(each.id)
            for each in self.truth.posted(*self.truth.names(first, day))
        }
        while self.lines[0]:
            reason = re.match(r" *[+-][0-9.]+  (\S+)", self.next())
            assert reason
            assert reason[1] in records

    def _not_proven(self) -> None:
        self.expect("", "not proven 未证明:")
        expected = ["that the witnesses stand apart from the operator, each with a node of its own: ask them"]
        written = any(each["runs"] for each in self.content["subjects"])
        if not self.with_authorities:
            expected.append("who wrote the records, and whether they might: nothing is said of authorities")
        elif written:
            expected.append(
                "when, where and by which key a record was written: the file's word; a signature shows who signed"
            )
        wallet = "  that a record under four eyes came from a contract wallet: the audit tells"
        if wallet in self.lines:
            assert any(f.required for f in self.truth.told(facts.FourEyesSet))
            self.lines.remove(wallet)
        expected += [
            f"which firm number {each['enterprise']} is: not shown"
            for each in self.content["subjects"]
            if "identity" not in each
        ]
        expected.append("that a firm has one number only: the audit of the whole ledger tells")
        if "score" in self.content:
            card = CARD.hash.hex()[:16]
            expected.append(f"that card {card} is the one in force: which are registered no file shows")
        if written:
            expected.append(
                "what other firms object to in these records: it stands in files about those firms"
            )
        named = {r.ref for r in self.truth.posted(*self.shown) if r.type in (248, 249)} - set(self.shown)
        if named:
            others = ", ".join(map(str, sorted(named)))
            expected.append(f"what is recorded of enterprises {others}, which link records name")
        self.expect(*(f"  {each}" for each in expected))
