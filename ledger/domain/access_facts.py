"""What the chain said about who may govern: one type per event of the access manager, as in `facts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from ledger.domain.facts import Place


class RoleGranted(NamedTuple):
    """The account has the role from `since` (if `new`), or acts under `delay` (seconds) from `since` on."""

    at: Place
    role: int
    account: str
    delay: int
    since: int
    new: bool


class RoleRevoked(NamedTuple):
    """The account has the role no more."""

    at: Place
    role: int
    account: str


class RoleAdminChanged(NamedTuple):
    """Members of the role `admin` grant and revoke `role`."""

    at: Place
    role: int
    admin: int


class RoleGuardianChanged(NamedTuple):
    """Members of the role `guardian` may cancel what members of `role` have announced."""

    at: Place
    role: int
    guardian: int


class RoleGrantDelayChanged(NamedTuple):
    """From `since` on, a grant of the role holds only `delay` seconds after it."""

    at: Place
    role: int
    delay: int
    since: int


class TargetClosed(NamedTuple):
    """Whether every function of a contract that needs a role is closed to all."""

    at: Place
    target: str
    closed: bool


class TargetFunctionRoleUpdated(NamedTuple):
    """Which role a function of a contract needs, by the function's selector (4 bytes)."""

    at: Place
    target: str
    selector: bytes
    role: int


class TargetAdminDelayUpdated(NamedTuple):
    """From `since` on, changes to who may call a contract are to be announced `delay` seconds before."""

    at: Place
    target: str
    delay: int
    since: int


class AuthorityUpdated(NamedTuple):
    """The contract `target` asks `manager` who may call it: the access manager."""

    at: Place
    target: str
    manager: str


AccessFact: TypeAlias = (
    RoleGranted
    | RoleRevoked
    | RoleAdminChanged
    | RoleGuardianChanged
    | RoleGrantDelayChanged
    | TargetClosed
    | TargetFunctionRoleUpdated
    | TargetAdminDelayUpdated
    | AuthorityUpdated
)
#: The same, to ask a fact for.
ACCESS: Final = (
    RoleGranted,
    RoleRevoked,
    RoleAdminChanged,
    RoleGuardianChanged,
    RoleGrantDelayChanged,
    TargetClosed,
    TargetFunctionRoleUpdated,
    TargetAdminDelayUpdated,
    AuthorityUpdated,
)
