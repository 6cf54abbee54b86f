"""Decoders of what the access manager logs, and of what its contracts say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.words import account, address, topic, words
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
    from collections.abc import Callable, Mapping

    from ledger.domain.facts import Fact, Place


def role_granted(at: Place, topics: list[str], data: bytes) -> Fact:
    delay, since, new = words(data, 3)
    return RoleGranted(at, topic(topics, 1), account(topics, 2), delay, since, bool(new))


def role_revoked(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 0)
    return RoleRevoked(at, topic(topics, 1), account(topics, 2))


def role_admin_changed(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 0)
    return RoleAdminChanged(at, topic(topics, 1), topic(topics, 2))


def role_guardian_changed(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 0)
    return RoleGuardianChanged(at, topic(topics, 1), topic(topics, 2))


def role_grant_delay_changed(at: Place, topics: list[str], data: bytes) -> Fact:
    delay, since = words(data, 2)
    return RoleGrantDelayChanged(at, topic(topics, 1), delay, since)


def target_closed(at: Place, topics: list[str], data: bytes) -> Fact:
    (closed,) = words(data, 1)
    return TargetClosed(at, account(topics, 1), bool(closed))


def target_function_role_updated(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 1)
    return TargetFunctionRoleUpdated(at, account(topics, 1), data[:4], topic(topics, 2))


def target_admin_delay_updated(at: Place, topics: list[str], data: bytes) -> Fact:
    delay, since = words(data, 2)
    return TargetAdminDelayUpdated(at, account(topics, 1), delay, since)


def authority_updated(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 1)
    return AuthorityUpdated(at, topics[1].lower(), address(data, 0))


#: Decoders by event.
EVENTS: Final[Mapping[str, Callable[[Place, list[str], bytes], Fact]]] = {
    "RoleGranted": role_granted,
    "RoleRevoked": role_revoked,
    "RoleAdminChanged": role_admin_changed,
    "RoleGuardianChanged": role_guardian_changed,
    "RoleGrantDelayChanged": role_grant_delay_changed,
    "TargetClosed": target_closed,
    "TargetFunctionRoleUpdated": target_function_role_updated,
    "TargetAdminDelayUpdated": target_admin_delay_updated,
}
