"""When an objection that was upheld is carried out: one rule for the audit and for evidence.

An authority that upholds an objection is to correct or revoke the record (NDRC Order 36). That is a decision
of its own: one taken before the objection was opened answers nothing, however late it was posted, and one
that was posted before may be what is objected to. A reinstatement takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.domain.catalogue import CORRECTION, REINSTATEMENT, REVOCATION

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Outcomes that bind the authority to change its record: upheld, and partly upheld.
UPHELD: Final = frozenset({1, 2})
#: What changes a record, and what takes the change back.
CHANGES: Final = frozenset({CORRECTION, REVOCATION, REINSTATEMENT})


class Change(NamedTuple):
    """A record that corrects, revokes or reinstates another one, in the order they take effect."""

    decided_on: int
    id: int
    type: int


def carried_out(opened_on: int, since: Iterable[Change]) -> bool:
    """Whether the record was changed in answer to an objection opened on that day.

    `since` are the changes of the record by its own authority that were posted after the objection.
    """
    last = max((each for each in since if each.decided_on >= opened_on), default=None)
    return last is not None and last.type != REINSTATEMENT
