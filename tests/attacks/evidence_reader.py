"""A reader of evidence files and a forger, for the attacks on them.

The reader knows the log's key and the second keys of two witnesses, who recomputed what they signed. The
forger has everything else: the whole ledger, a genuine checkpoint, and the software.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evidence_sample import (
    LOG_KEY,
    PLACE,
    RECOMPUTED,
    attached_to,
    authorities_of,
    checkpoint_of,
    full_sample,
    placed,
    resealed,
    sample_chain,
    tree_of,
    trees_of,
)
from honest_chain import TODAY, Chain

from ledger.audit.command import report, trusted_from
from ledger.audit.evidence import Attached, EvidenceScore, build_evidence
from ledger.audit.verifier import verify_evidence
from ledger.scoring.cards import card_in_force, load_cards
from ledger.scoring.score import score

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, READERS = str(LOG_KEY.verifier), [str(each.verifier) for each in RECOMPUTED]
CHAIN = sample_chain()


class Told:
    """What a verifier says of a file: exit code, and all that it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str], data: bytes, **options: Any) -> None:
        allow = options.pop("allow_incomplete", False)
        keys, witnesses = options.pop("keys", [KEY]), options.pop("witnesses", READERS)
        trusted = trusted_from(keys, witnesses, **options)
        self.code = report(data, trusted, "evidence.json", as_json=False, allow_incomplete=allow)
        printed = capsys.readouterr()
        self.text = printed.out + printed.err

    def refused(self, sentence: str) -> None:
        assert self.code == 1
        assert "does NOT hold" in self.text
        assert sentence in self.text
        assert "complete record of" not in self.text

    def unproven(self, sentence: str) -> None:
        assert self.code == 1
        assert sentence in self.text
        assert "complete record of" not in self.text


def forged(change: Callable[[dict[str, Any]], object]) -> bytes:
    content = json.loads(full_sample())
    change(content)
    return resealed(content)


def made(
    chain: Chain, *, shown: tuple[int, ...] = (1, 5), score_day: int | None = TODAY, **changed: Any
) -> bytes:
    """An honest file about a chain, with the checkpoint of its end."""
    found = None
    if score_day is not None:
        given = attached_to(chain).score
        assert given
        found = given._replace(as_of=score_day) if score_day == TODAY else scored(chain, score_day)
    attached = Attached(authorities_of(chain), found, None, checkpoint_of(chain))._replace(**changed)
    subjects = [placed(chain, each) for each in shown]
    return build_evidence(PLACE, subjects, tree_of(chain), trees_of(chain), None, attached)


def made_unchecked(chain: Chain) -> bytes:
    """The same, of a ledger whose contracts did not keep their rules: not looked at when it is made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.audit.evidence.verify_evidence", lambda *_: None)
        return made(chain)


def scored(chain: Chain, day: int) -> EvidenceScore:
    card = card_in_force(load_cards(), day)
    records = [each for number in (1, 5) for each in records_of(chain, number)]
    found = score(records, card, day)
    return EvidenceScore(day, card, found.milli, found.grade)


def records_of(chain: Chain, enterprise: int) -> list[Any]:
    subject = verify_evidence(made(chain, shown=(enterprise,), score_day=None)).subjects[0]
    return list(subject.records)


def leave(*path: Any) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> None:
        holder: Any = content
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]

    return change


def base64(hashes: list[bytes]) -> str:
    import base64 as b64

    return b64.b64encode(b"".join(hashes)).decode()
