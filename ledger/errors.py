"""The errors of the ledger: one root, each subclass says what was wrong and whether trying again helps.

Only `api` knows HTTP and only `cli` knows exit codes; both translate these.
"""

from __future__ import annotations

from typing import ClassVar


class LedgerError(Exception):
    """Root of every error a user may see. `str(error)` is a sentence with the offending value in it."""

    #: Stable machine name, used as the problem type over HTTP and in `--json` output.
    code: ClassVar[str] = "error"
    #: Whether the same call may succeed later without anything else changing.
    retry_helps: ClassVar[bool] = False
    #: What only the operator should read beside it: a driver's own words, which may name a server.
    why: str = ""


class BadValue(LedgerError):
    """A value given by a user does not fit: names the field, the value and the reason."""

    code = "bad-value"

    def __init__(self, field: str, value: object, reason: str) -> None:
        shown = str(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        super().__init__(f"{field}: {shown!r}: {reason}")
        self.field = field
        self.value = shown
        self.reason = reason


class NotFound(LedgerError):
    """What was asked for is not in the ledger."""

    code = "not-found"


class Conflict(LedgerError):
    """The request contradicts something already accepted."""

    code = "conflict"


class Forbidden(LedgerError):
    """The caller is known, and may not do this."""

    code = "forbidden"


class Busy(LedgerError):
    """Another process holds what this one needs."""

    code = "busy"
    retry_helps = True


class BadProof(LedgerError):
    """A proof, commitment or signature does not hold."""

    code = "bad-proof"


class Misconfigured(LedgerError):
    """A setting, key file or passphrase is missing or wrong."""

    code = "misconfigured"


class NotWritable(LedgerError):
    """The disk takes no writes at the moment: full, over quota, read-only, or not this user's to write.

    What was accepted before is kept, and reading goes on.
    """

    code = "not-writable"
    retry_helps = True

    def __init__(self, said: str, why: str = "") -> None:
        super().__init__(said)
        self.why = why


class ChainUnavailable(LedgerError):
    """The node does not answer."""

    code = "chain-unavailable"
    retry_helps = True


class WrongClock(LedgerError):
    """No block is made by this clock; the sentence says what to do. What waits goes on waiting."""

    code = "wrong-clock"
    retry_helps = True


class ChainRefused(LedgerError):
    """The node or a contract refused a call; the reason is the contract's own error where it gave one."""

    code = "chain-refused"


class ChainDamaged(LedgerError):
    """What the chain returned cannot be what was written: undecodable block, receipt or log."""

    code = "chain-damaged"
