"""What both verifiers offer on the command line: `credit-ledger verify`, and this package alone."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.audit.claims import claims_dict, holds, nothing_signed
from ledger.audit.plain import json_line, one_line
from ledger.audit.report_text import claims_text
from ledger.audit.signed import read_keys
from ledger.audit.verifier import MAX_BYTES, Trusted, verify_evidence
from ledger.crypto.notes import COSIGNATURE
from ledger.domain.calendar import start_of, to_day
from ledger.errors import BadProof, BadValue, LedgerError
from ledger.scoring.cards import parse_canonical, parse_card

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.audit.completeness import NodeSays
    from ledger.scoring.cards import Scorecard

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_HASH = re.compile(r"[0-9a-f]{64}")
_MAX_CARD_BYTES = 1 << 20


def trusted_from(  # noqa: PLR0917  a verb's options
    keys: Sequence[str],
    witnesses: Sequence[str],
    quorum: int | None = None,
    cards: Sequence[str] = (),
    not_older_than: str | None = None,
    node: Callable[[bytes, Sequence[int], int], NodeSays] | None = None,
) -> Trusted:
    """Return what the options say. Raises `BadValue`, `WrongKind`, `Misconfigured`."""
    parsed = read_keys(keys, witnesses)
    many = sum(each.kind == COSIGNATURE for each in parsed)
    if quorum is not None and quorum > many:
        raise BadValue("quorum", quorum, f"more than the {many} witnesses whose keys are given")
    files = [each for each in cards if not _HASH.fullmatch(each)]
    return Trusted(
        keys=parsed,
        quorum=quorum,
        cards=[_card(each) for each in files],
        card_hashes={bytes.fromhex(each) for each in cards if _HASH.fullmatch(each)},
        not_before=None if not_older_than is None else _not_before(not_older_than),
        node=node,
    )


def report(data: bytes, trusted: Trusted, file: str, as_json: bool, allow_incomplete: bool) -> int:
    """Verify and print; return the exit code: 0 where it is proven, or only incomplete and that was allowed.

    What no key of the log signed is not incomplete but anybody's: it is never 0 without a node.
    """
    try:
        verdict = verify_evidence(data, trusted)
    except LedgerError as refused:
        why = one_line(str(refused), 1000)
        if as_json:
            sys.stdout.write(json_line({"ok": False, "rule": refused.code, "why": why}) + "\n")
        elif not isinstance(refused, BadProof):
            raise  # it is no word about the evidence: a node that does not answer
        else:
            sys.stderr.write(
                f"{one_line(file)}: the evidence does NOT hold 证据不成立: {refused.code}: {why}\n"
            )
        return 1
    claims = claims_dict(verdict, allow_incomplete)
    if as_json and nothing_signed(verdict):
        claims |= {"rule": "nothing-signed", "why": verdict.vouched.why}
    sys.stdout.write(json_line(claims) + "\n" if as_json else claims_text(verdict, allow_incomplete))
    sys.stdout.flush()
    return 0 if holds(verdict, allow_incomplete) else 1


def read_bounded(file: str) -> bytes:
    """Read a file no further than evidence can be long. Raises `OSError`."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(file).open("rb") as source:
        return source.read(MAX_BYTES + 1)


def _not_before(text: str) -> int:
    span = _SPAN.fullmatch(text)
    if span:
        return int(time.time()) - int(span[1]) * _SECONDS[span[2]]
    try:
        return start_of(to_day(text))
    except BadValue:
        raise BadValue("not-older-than", text, "not a span such as 36h or 30d, nor a date") from None


def _card(file: str) -> Scorecard:
    try:
        with Path(file).open("rb") as source:
            raw = source.read(_MAX_CARD_BYTES)
        text = raw.decode()
    except (OSError, UnicodeDecodeError):
        raise BadValue("card", file, "neither a card's hash nor a file that can be read") from None
    return parse_canonical(raw.strip(), file) if text.lstrip().startswith("{") else parse_card(text, file)
