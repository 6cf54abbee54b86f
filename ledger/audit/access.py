"""Who may govern: the access manager's roles, delays, functions and targets, as its events tell them.

A deployment fixes which function needs which role, and who may change that: nobody but the keeper, a contract
that forwards grants of the working roles and nothing else. So everything beside grants and revocations of the
working roles is a deviation once the deployer has handed over, and before that everything that is not the
deployment's own. A new member of a working role may be right: it is for review (see `governing`).

Source of the rules: OpenZeppelin's `IAccessManager`, and `Expected`, which the deployment gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.audit.deviation import Deviation, at_log, show_time
from ledger.domain.access_facts import (
    AuthorityUpdated,
    RoleAdminChanged,
    RoleGrantDelayChanged,
    RoleGranted,
    RoleGuardianChanged,
    RoleRevoked,
    TargetAdminDelayUpdated,
    TargetClosed,
    TargetFunctionRoleUpdated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ledger.domain.facts import Fact, Place

ADMIN: Final = 0
#: Everybody has this role.
PUBLIC: Final = 2**64 - 1


class Expected(NamedTuple):
    """What a deployment fixes. Addresses are lower case, selectors 4 bytes.

    `roles` names the working roles; `functions` says which role each function of each target needs (others:
    ADMIN); `guardians` which role may cancel what a role has announced; `deployer` has ADMIN until it hands
    over to `keeper`. `governor` is the role whose members act under the delay fixed at deployment.
    `authorities` has each authority's mandate and the weighty types of it, bit t for type t, by its code.
    """

    manager: str
    keeper: str
    deployer: str
    roles: Mapping[int, str]
    functions: Mapping[tuple[str, bytes], int]
    guardians: Mapping[int, int]
    governor: int
    authorities: Mapping[str, tuple[int, int]]

    @property
    def targets(self) -> frozenset[str]:
        """The contracts that ask the manager."""
        return frozenset(target for target, _ in self.functions)


class Question(NamedTuple):
    """A view of the access manager, and what it should answer; truth values are 0 and 1."""

    function: str
    arguments: tuple[int | str | bytes, ...]
    answer: tuple[int, ...]

    def __str__(self) -> str:
        shown = (f"0x{each.hex()}" if isinstance(each, bytes) else str(each) for each in self.arguments)
        return f"{self.function}({', '.join(shown)})"


@dataclass
class Member:
    """A member of a role: since when (Unix seconds), and its delays as `(from when, seconds)`."""

    since: int
    delays: list[tuple[int, int]] = field(default_factory=list)

    def delay_at(self, timestamp: int) -> int:
        """For how many seconds it must announce what it does, at that time."""
        return next((delay for from_, delay in reversed(self.delays) if from_ <= timestamp), 0)


class AccessState:
    """The access manager so far. Without `expected` it only keeps what it is told."""

    def __init__(self, expected: Expected | None = None) -> None:
        self.expected = expected
        self.members: dict[tuple[int, str], Member] = {}
        #: Every account that was ever told of, by role: to ask the contract about those that are gone, too.
        self.ever: dict[tuple[int, str], bool] = {}
        self.functions: dict[tuple[str, bytes], int] = {}
        self.guardians: dict[int, int] = {}
        self.admins: dict[int, int] = {}
        self.closed: dict[str, bool] = {}
        self.managers: dict[str, str] = {}
        #: Whether the deployer has handed over.
        self.settled = False
        #: The governor's delay, as the deployment set it.
        self.delay: int | None = None
        #: Facts taken.
        self.changes = 0

    def take(self, fact: Fact) -> Iterator[Deviation]:
        """Take a fact of the access manager; yield what the deployment does not have so."""
        self.changes += 1
        if isinstance(fact, RoleGranted):
            yield from self._granted(fact)
        elif isinstance(fact, RoleRevoked):
            self.members.pop((fact.role, fact.account), None)
            if fact.role == ADMIN and self.expected and fact.account == self.expected.deployer:
                self.settled = True
        elif isinstance(fact, TargetFunctionRoleUpdated):
            yield from self._function(fact)
        elif isinstance(fact, RoleGuardianChanged):
            self.guardians[fact.role] = fact.guardian
            right = self.expected.guardians.get(fact.role, ADMIN) if self.expected else fact.guardian
            yield from self._held(fact.at, f"guardian of {self._role(fact.role)}", right, fact.guardian)
        elif isinstance(fact, RoleAdminChanged):
            self.admins[fact.role] = fact.admin
            yield from self._held(fact.at, f"who grants {self._role(fact.role)}", ADMIN, fact.admin)
        elif isinstance(fact, TargetClosed):
            self.closed[fact.target] = fact.closed
            yield from self._same(
                fact.at, f"target {fact.target}", "open", "closed" if fact.closed else "open"
            )
        elif isinstance(fact, RoleGrantDelayChanged):
            where = f"delay of grants of {self._role(fact.role)}"
            yield from self._same(fact.at, where, "0 s", f"{fact.delay} s")
        elif isinstance(fact, TargetAdminDelayUpdated):
            yield from self._same(fact.at, f"delay of changes to {fact.target}", "0 s", f"{fact.delay} s")
        elif isinstance(fact, AuthorityUpdated):
            self.managers[fact.target] = fact.manager
            right_one = self.expected.manager if self.expected else fact.manager
            yield from self._same(fact.at, f"access manager of {fact.target}", right_one, fact.manager)

    def conclude(self) -> Iterator[Deviation]:
        """Yield where the state at the end is not the deployment's; call once, if all was replayed."""
        if self.expected is None:
            return
        admins = sorted(account for role, account in self.members if role == ADMIN)
        if admins != [self.expected.keeper]:
            where = "access manager, members of ADMIN"
            yield Deviation("rights of another", where, self.expected.keeper, ", ".join(admins) or "nobody")
        for (target, selector), role in self.expected.functions.items():
            found = self.functions.get((target, selector), ADMIN)
            if found != role:
                where = f"access manager, function 0x{selector.hex()} of {target}"
                yield Deviation("rights of another", where, self._role(role), self._role(found))
        for role, guardian in self.expected.guardians.items():
            found = self.guardians.get(role, ADMIN)
            if found != guardian:
                where = f"access manager, guardian of {self._role(role)}"
                yield Deviation("rights of another", where, self._role(guardian), self._role(found))
        for target in sorted(self.expected.targets):
            manager = self.managers.get(target, "none")
            if manager != self.expected.manager:
                where = f"access manager of {target}"
                yield Deviation("rights of another", where, self.expected.manager, manager)

    def questions(self, timestamp: int) -> Iterator[Question]:
        """Yield what the access manager should answer at that time (Unix seconds)."""
        accounts = {account: True for _, account in self.ever}
        known = (ADMIN, *(self.expected.roles if self.expected else ()))
        # Every account for every role: an event that a node left out shows too.
        for role, account in {**self.ever, **{(role, each): True for role in known for each in accounts}}:
            member = self.members.get((role, account))
            holds = member is not None and member.since <= timestamp
            delay = member.delay_at(timestamp) if member is not None else 0
            yield Question("hasRole", (role, account), (int(holds), delay if holds else 0))
        expected = self.expected.functions if self.expected else {}
        for target, selector in {**expected, **self.functions}:
            role = self.functions.get((target, selector), ADMIN)
            yield Question("getTargetFunctionRole", (target, selector), (role,))
        for role in {ADMIN, *self.guardians, *self.admins, *(self.expected.roles if self.expected else ())}:
            yield Question("getRoleGuardian", (role,), (self.guardians.get(role, ADMIN),))
            yield Question("getRoleAdmin", (role,), (self.admins.get(role, ADMIN),))
        for target in {*self.managers, *self.closed}:
            yield Question("isTargetClosed", (target,), (int(self.closed.get(target, False)),))

    def lines(self, timestamp: int) -> list[str]:
        """Say who has which role, under which delay at that time (Unix seconds), a line for each member."""
        found = []
        for (role, account), member in sorted(self.members.items()):
            name = (
                "the keeper " if role == ADMIN and self.expected and account == self.expected.keeper else ""
            )
            found.append(
                f"{self._role(role)}: {name}{account}, delay {member.delay_at(timestamp)} s, "
                f"since {show_time(member.since)}"
            )
        return found

    # ------------------------------------------------------------------ inside

    def _granted(self, fact: RoleGranted) -> Iterator[Deviation]:
        key = fact.role, fact.account
        self.ever[key] = True
        if fact.new:
            self.members[key] = Member(fact.since, [(0, fact.delay)])
        else:
            self.members.setdefault(key, Member(fact.since)).delays.append((fact.since, fact.delay))
        expected = self.expected
        if expected is None:
            return
        where = f"{self._role(fact.role)}, {fact.account}"
        if fact.role == ADMIN:
            right = {expected.keeper} if self.settled else {expected.keeper, expected.deployer}
            if fact.account not in right:
                yield _deviation(
                    fact.at, where, f"no member but the keeper {expected.keeper}", "a new member"
                )
        elif fact.role not in expected.roles:
            yield _deviation(fact.at, where, "no such role", "a new member")
        else:
            yield from self._working(fact, where)

    def _working(self, fact: RoleGranted, where: str) -> Iterator[Deviation]:
        assert self.expected is not None
        if fact.role == self.expected.governor and fact.account != self.expected.deployer:
            self.delay = fact.delay if self.delay is None else self.delay
            if fact.delay != self.delay:
                yield _deviation(fact.at, where, f"a delay of {self.delay} s", f"{fact.delay} s")

    def _function(self, fact: TargetFunctionRoleUpdated) -> Iterator[Deviation]:
        key = fact.target, fact.selector
        self.functions[key] = fact.role
        right = self.expected.functions.get(key, ADMIN) if self.expected else fact.role
        what = f"function 0x{fact.selector.hex()} of {fact.target}"
        yield from self._held(fact.at, what, right, fact.role)

    def _held(self, at: Place, where: str, expected: int, found: int) -> Iterator[Deviation]:
        yield from self._same(at, where, self._role(expected), self._role(found))

    def _same(self, at: Place, where: str, expected: str, found: str) -> Iterator[Deviation]:
        if self.expected is not None and expected != found:
            yield _deviation(at, where, expected, found)

    def _role(self, role: int) -> str:
        known = {ADMIN: "ADMIN", PUBLIC: "everybody"} | dict(self.expected.roles if self.expected else {})
        return known.get(role, f"role {role}")

    # ------------------------------------------------------------------ kept

    def dump(self) -> dict[str, Any]:
        """Return the state as plain JSON values, for `load`."""
        return {
            "members": [[role, who, m.since, m.delays] for (role, who), m in self.members.items()],
            "ever": [list(each) for each in self.ever],
            "functions": [[t, selector.hex(), role] for (t, selector), role in self.functions.items()],
            "guardians": [list(each) for each in self.guardians.items()],
            "admins": [list(each) for each in self.admins.items()],
            "closed": [list(each) for each in self.closed.items()],
            "managers": [list(each) for each in self.managers.items()],
            "rest": [self.settled, self.delay, self.changes],
        }

    @classmethod
    def load(cls, parts: Mapping[str, Any], expected: Expected | None) -> AccessState:
        """Take up what `dump` gave. Raises `ValueError`, `KeyError` or `TypeError`."""
        state = cls(expected)
        for role, who, since, delays in parts["members"]:
            state.members[int(role), str(who)] = Member(int(since), [(int(f), int(d)) for f, d in delays])
        state.ever = {(int(role), str(who)): True for role, who in parts["ever"]}
        state.functions = {(str(t), bytes.fromhex(s)): int(role) for t, s, role in parts["functions"]}
        state.guardians = {int(role): int(guardian) for role, guardian in parts["guardians"]}
        state.admins = {int(role): int(admin) for role, admin in parts["admins"]}
        state.closed = {str(target): bool(closed) for target, closed in parts["closed"]}
        state.managers = {str(target): str(manager) for target, manager in parts["managers"]}
        settled, delay, changes = parts["rest"]
        state.settled, state.changes = bool(settled), int(changes)
        state.delay = None if delay is None else int(delay)
        return state


def _deviation(at: Place, where: str, expected: str, found: str) -> Deviation:
    return Deviation("rights of another", at_log(at, f"access manager, {where}"), expected, found)
