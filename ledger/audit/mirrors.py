"""Links and their mirrors: written as a pair, revoked as a pair.

A link (LK01) stands in the record of a name and a mirror of it (LK02) in that of the code, so that neither
enterprise's record is silent about it. One side without the other would make a firm's score depend on which
of its two records somebody looks at. So both come in one batch of one authority, decided on one day, and so
do their revocations.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ledger.audit.deviation import Deviation, at_log, show_record
from ledger.domain.catalogue import LINKED_FROM, LINKED_TO, REVOCATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ledger.audit.runs import Referring
    from ledger.domain.facts import Place


class LinksState:
    """Every link so far with its mirror, and which were revoked. Costs some 200 bytes a link."""

    def __init__(self) -> None:
        #: The other side of each side, by record id.
        self.partners: dict[int, int] = {}
        #: Sides that were revoked.
        self.revoked: dict[int, int] = {}

    def dump(self) -> list[list[list[int]]]:
        """Return the state as plain JSON values, for `load`."""
        return [[list(each) for each in kept.items()] for kept in (self.partners, self.revoked)]

    @classmethod
    def load(cls, parts: Any) -> LinksState:
        """Take up what `dump` gave. Raises `ValueError` or `TypeError`."""
        state = cls()
        partners, revoked = parts
        state.partners = {int(one): int(other) for one, other in partners}
        state.revoked = {int(side): int(day) for side, day in revoked}
        return state

    def take(
        self, at: Place, referring: Sequence[Referring], codes: Mapping[int, str]
    ) -> Iterator[Deviation]:
        """Take the records of one whole batch that refer; yield the sides that came, or went, alone."""
        pairs: dict[tuple[int, int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        ended: dict[int, Referring] = {}
        for each in referring:
            if each.type == LINKED_TO:
                pairs[each.enterprise, each.ref, each.decided_on][0].append(each.id)
            elif each.type == LINKED_FROM:
                pairs[each.ref, each.enterprise, each.decided_on][1].append(each.id)
            elif each.type == REVOCATION and each.ref in self.partners:
                ended[each.ref] = each
        for (name, code, _), sides in pairs.items():
            for link, mirror in zip_longest(*sides):
                if link is None or mirror is None:
                    yield _alone(at, link, mirror, (name, code), codes)
                else:
                    self.partners[link], self.partners[mirror] = mirror, link
        for side, by in ended.items():
            yield from self._end(at, side, by, ended, codes)

    def _end(
        self, at: Place, side: int, by: Referring, ended: Mapping[int, Referring], codes: Mapping[int, str]
    ) -> Iterator[Deviation]:
        partner = self.partners[side]
        other = ended.get(partner)
        # What was revoked alone is named once, not again when the other side follows.
        if partner not in self.revoked and (other is None or other.decided_on != by.decided_on):
            where = at_log(at, f"record {show_record(by.id, codes)}")
            expected = f"a revocation of {show_record(partner, codes)} beside it, decided on the same day"
            yield Deviation("link revoked without its mirror", where, expected, "none")
        self.revoked.setdefault(side, by.decided_on)


def _alone(
    at: Place, link: int | None, mirror: int | None, ends: tuple[int, int], codes: Mapping[int, str]
) -> Deviation:
    name, code = ends
    if link is not None:
        where = at_log(at, f"record {show_record(link, codes)}")
        expected = f"an LK02 about enterprise {code} beside it, decided on the same day"
        return Deviation("link without its mirror", where, expected, "none")
    assert mirror is not None
    where = at_log(at, f"record {show_record(mirror, codes)}")
    expected = f"an LK01 about enterprise {name} beside it, decided on the same day"
    return Deviation("mirror without its link", where, expected, "none")
