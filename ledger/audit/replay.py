"""Replay of all that the chain said, trusting none of it: every rule recomputed in one pass, in chain order.

Checked, with the phrase a deviation names it by:

 1. facts come in chain order, those of one block with one hash and time (`facts out of order`, `block time
    runs backwards`, `one block told in two ways`);
 2. authorities and enterprises are numbered 1, 2, 3 ... (`authority out of order`, `registration out of
    order`), each authority with a code of its own (`authority code taken`), and no mandate is set for a time
    before its block (`mandate set for the past`), no key is declared compromised from a time to come, or
    from a later one than before (`compromise of another time`), and signature epochs count up by one
    (`signature epoch out of order`);
 3. an authority's records are numbered without gap or repeat (`number gap`, `number repeated`), and a batch
    is what its header says (`batch of no size`, `batch differs from its header`, `run outside a batch`,
    `batch not sorted`);
 4. who wrote was not suspended and wrote with a key in its window, not declared compromised before
    (`authority suspended`, `key outside its window`, `key declared compromised`, `unknown authority`), each
    record of a type in the mandate held at that time (`type outside the mandate`);
 5. each record is well formed and refers to what it may (see `runs`);
 6. each run's head follows from the head before it and the run's bytes (`head not reproduced`, `unknown
    enterprise`), and its leaf is the log's next (`leaf index not consecutive`);
 7. tree heads in events are those of the log rebuilt here (`tree head differs`);
 8. cards are registered once, for days not assessed yet; assessments are numbered 1, 2, 3 ..., made with a
    registered card in force that no later one has replaced, as of no earlier day than the one before and no
    day to come (`card registered twice`, `card backdated`, `card out of order`, `assessment out of order`,
    `card not in force`, `assessment as of another day`);
 9. objections are numbered 1, 2, 3 ..., one open for each record and enterprise, with the last day that the
    period in force gives, and are answered once, by the record's authority (see `objections`);
10. links come with their mirrors, and go with them (`link without its mirror`, `mirror without its link`,
    `link revoked without its mirror`; see `mirrors`); no identity commitment is registered twice (`commitment
    registered twice`);
11. who may govern is as the deployment has it (`rights of another`; see `access`); what the governor did is
    for review (see `governing`).

What a key wrote after it fell into the wrong hands and before that was declared is no deviation: the rules
let it in. It is listed in `reviews`, for the authority to look at, and so are answers by such a key.

After a deviation the replay goes on from what was found, so that one fault is named once. Memory: heads and
commitments per enterprise, 9 bytes per record; runs are not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.access import AccessState
from ledger.audit.authorities import AuthorityState
from ledger.audit.deviation import Deviation, Review, at_log, show_span
from ledger.audit.governing import OTHERS, GoverningState
from ledger.audit.mirrors import LinksState
from ledger.audit.objections import ObjectionsState
from ledger.audit.recorded import RecordedState
from ledger.audit.scorebook import ScoreBookState
from ledger.domain.access_facts import ACCESS
from ledger.domain.facts import (
    AnswerPeriodSet,
    AssessmentPublished,
    AuthorityAdded,
    BatchRecorded,
    CardRegistered,
    EnterpriseKeySet,
    Fact,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    ObjectionAnswered,
    ObjectionOpened,
    Place,
    Registered,
    Run,
    SignaturesInvalidated,
    SuspensionSet,
    TreeHead,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ledger.audit.access import Expected
    from ledger.audit.deviation import NotChecked
    from ledger.crypto.merkle import Log


class Replay:
    """The ledger's state as the facts make it. Feed `apply` every fact in chain order, then call `finish`."""

    def __init__(self, severities: Mapping[int, int] | None = None, expected: Expected | None = None) -> None:
        """Begin before the first fact.

        `severities` are the catalogue's, by type, `expected` is who may govern as the deployment has it: the
        ledger is held to them, where they are given.
        """
        self.access = AccessState(expected)
        self.governing = GoverningState(expected, severities or {})
        self.authorities: dict[int, AuthorityState] = {}
        #: Each authority's code by its number.
        self.codes: dict[int, str] = {}
        self.recorded = RecordedState(severities or {}, self.codes)
        self.scorebook = ScoreBookState()
        self.objections = ObjectionsState()
        self.links = LinksState()
        #: What holds and is still to be looked at by an authority.
        self.reviews: list[Review] = []
        #: Where the replay stands; None before the first fact.
        self.at: Place | None = None
        self._found: list[Deviation] = []
        self.facts = 0

    def apply(self, fact: Fact) -> Sequence[Deviation]:
        """Take one fact and return what does not hold about it (mostly nothing)."""
        self.facts += 1
        self._follow(fact.at)
        if isinstance(fact, Run):
            self._run(fact)
        else:
            self._close_batch()
            self._apply_other(fact)
        return self._take_found()

    def finish(self) -> Sequence[Deviation]:
        """Close what is open; call after the last fact."""
        self._close_batch()
        return self._take_found()

    def conclude(self) -> Iterator[Deviation]:
        """Yield what shows only when all is known; call once, at the end."""
        yield from self.access.conclude()
        yield from self.recorded.conclude()

    def outstanding(self) -> Iterator[NotChecked]:
        """Yield what the ledger's own word leaves open: answers that were upheld and not carried out."""
        return self.objections.outstanding(self.codes)

    @property
    def heads(self) -> dict[int, bytes]:
        """Each enterprise's head."""
        return self.recorded.heads

    @property
    def commitments(self) -> dict[int, bytes]:
        """Each enterprise's identity commitment."""
        return self.recorded.commitments

    @property
    def log(self) -> Log:
        """The log of all runs."""
        return self.recorded.log

    @property
    def checked(self) -> dict[str, int]:
        """How many of each kind have been replayed."""
        return {
            "facts": self.facts,
            "authorities": len(self.authorities),
            "enterprises": len(self.heads),
            "batches": self.recorded.batches,
            "runs": self.recorded.runs,
            "records": self.recorded.records,
            "tree_heads": self.recorded.tree_heads,
            "cards": len(self.scorebook.cards),
            "assessments": len(self.scorebook.assessments),
            "objections": len(self.objections.objections),
            "role_changes": self.access.changes,
        }

    def _run(self, run: Run) -> None:
        state = self._state_of(run.authority, run.at)
        if not self.recorded.continues(run):
            self._close_batch()
        self.recorded.run(run, state)
        self.governing.wrote(run, state)

    def _close_batch(self) -> None:
        batch = self.recorded.close_batch()
        if batch is not None and batch.referring:
            self._found.extend(self.links.take(batch.at, batch.referring, self.codes))
            self.objections.carry_out(batch.referring)

    def _apply_other(self, fact: Fact) -> None:
        if not isinstance(fact, OTHERS):
            self._govern(fact)
        if isinstance(fact, BatchRecorded):
            self.governing.writes(fact)
            self.recorded.open_batch(fact, self._state_of(fact.authority, fact.at))
        elif isinstance(fact, Registered):
            self.recorded.register(fact)
        elif isinstance(fact, TreeHead):
            self.recorded.tree_head(fact)
        elif isinstance(fact, AuthorityAdded):
            self._authority_added(fact)
        elif isinstance(fact, MandateSet):
            self._mandate_set(fact)
        elif isinstance(fact, KeyCompromised):
            self._key_compromised(fact)
        elif isinstance(fact, SignaturesInvalidated):
            self._signatures_invalidated(fact)
        elif isinstance(fact, (KeySet, FourEyesSet, SuspensionSet)):
            self._state_of(fact.authority, fact.at).take(fact)
        elif isinstance(fact, CardRegistered):
            self._found.extend(self.scorebook.register(fact))
        elif isinstance(fact, AssessmentPublished):
            self._found.extend(self.scorebook.publish(fact))
        elif isinstance(fact, ACCESS):
            self._found.extend(self.access.take(fact))
        else:
            self._apply_objection(fact)

    def _govern(self, fact: Fact) -> None:
        known = self.authorities.get(getattr(fact, "authority", 0))
        self.governing.take(fact, known, known.code if known else "", settled=self.access.settled)

    def _apply_objection(self, fact: Fact) -> None:
        if isinstance(fact, ObjectionOpened):
            self._found.extend(self.objections.open(fact, self.authorities))
            self.reviews += self.objections.of_another(fact, self.authorities, self.codes)
        elif isinstance(fact, ObjectionAnswered):
            self._found.extend(self.objections.answer(fact, self.authorities))
        elif isinstance(fact, EnterpriseKeySet):
            self.objections.set_key(fact)
        elif isinstance(fact, AnswerPeriodSet):
            self._found.extend(self.objections.set_period(fact))

    # ------------------------------------------------------------------ places

    def _follow(self, at: Place) -> None:
        before, self.at = self.at, at
        if before is None:
            return
        if (at.block_number, at.log_index) <= (before.block_number, before.log_index):
            self._name("facts out of order", at_log(at), f"a place after {at_log(before)}", at_log(at))
        elif at.timestamp < before.timestamp:
            self._name("block time runs backwards", at_log(at), f">= {before.timestamp}", str(at.timestamp))
        elif at.block_number == before.block_number and at[:3] != before[:3]:
            expected = f"hash {before.block_hash.hex()}, time {before.timestamp}"
            found = f"hash {at.block_hash.hex()}, time {at.timestamp}"
            self._name("one block told in two ways", at_log(at), expected, found)

    # ------------------------------------------------------------------ authorities and enterprises

    def _authority_added(self, fact: AuthorityAdded) -> None:
        expected = len(self.authorities) + 1
        if fact.authority != expected:
            where = at_log(fact.at, f"authority {fact.code}")
            self._name("authority out of order", where, str(expected), str(fact.authority))
        if fact.code in self.codes.values():
            where = at_log(fact.at, f"authority {fact.authority}")
            self._name("authority code taken", where, "a code of its own", fact.code)
        self.authorities[fact.authority] = AuthorityState(fact.authority, fact.code)
        self.codes[fact.authority] = fact.code

    def _state_of(self, authority: int, at: Place) -> AuthorityState:
        state = self.authorities.get(authority)
        if state is None:
            self._name("unknown authority", at_log(at), "an authority added before", f"authority {authority}")
            state = self.authorities[authority] = AuthorityState(authority, f"authority {authority}")
        return state

    def _mandate_set(self, fact: MandateSet) -> None:
        state = self._state_of(fact.authority, fact.at)
        if fact.from_ < fact.at.timestamp:
            where = at_log(fact.at, f"authority {state.code}")
            self._name(
                "mandate set for the past", where, f"from {fact.at.timestamp} on", f"from {fact.from_} on"
            )
        state.take(fact)

    def _key_compromised(self, fact: KeyCompromised) -> None:
        state, where = self._state_of(fact.authority, fact.at), at_log(fact.at, f"key {fact.key}")
        before = state.compromised.get(fact.key)
        latest = fact.at.timestamp if before is None else before - 1
        if not 0 < fact.from_ <= latest:
            self._name("compromise of another time", where, f"a time up to {latest}", str(fact.from_))
        for batch in state.batches_since(fact.key, fact.from_):
            if before is None or batch.timestamp < before:
                first_id = fact.authority << 48 | batch.first_number
                span = show_span(first_id, batch.records, self.codes)
                why = f"written by {fact.key} at {batch.timestamp}, compromised from {fact.from_} on"
                place = f"block {batch.block_number}, {span}"
                self.reviews.append(Review("written by a compromised key", place, why))
        self.reviews += self.objections.answered_by(fact, before)
        state.take(fact)

    def _signatures_invalidated(self, fact: SignaturesInvalidated) -> None:
        state = self._state_of(fact.authority, fact.at)
        if fact.epoch != state.epoch + 1:
            where = at_log(fact.at, f"authority {state.code}")
            self._name("signature epoch out of order", where, str(state.epoch + 1), str(fact.epoch))
        state.take(fact)

    # ------------------------------------------------------------------ naming

    def _name(self, what: str, where: str, expected: str, found: str) -> None:
        self._found.append(Deviation(what, where, expected, found))

    def _take_found(self) -> Sequence[Deviation]:
        found, self._found = self._found + self.recorded.take_found(), []
        return found
