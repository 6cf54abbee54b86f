"""Nodes that fail on purpose: an answer lost, a call that never arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.errors import ChainUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.chain.rpc import Node


class Crash(BaseException):
    """What kills a process: nothing in the code under test may catch it."""


class FaultyNode:
    """Fails the calls of one method, counted from 1, that `fails` picks.

    With `arrives` the call reaches the chain and only the answer is lost; without, it does not arrive.
    """

    def __init__(
        self,
        node: Node,
        method: str,
        fails: Callable[[int], bool],
        *,
        arrives: bool,
        error: type[BaseException] = ChainUnavailable,
    ) -> None:
        self._node = node
        self._method = method
        self._fails = fails
        self._arrives = arrives
        self._error = error
        self.seen = 0
        self.where = "a faulty node"

    def request(self, method: str, *params: object) -> Any:
        if method != self._method:
            return self._node.request(method, *params)
        self.seen += 1
        fails = self._fails(self.seen)
        if fails and not self._arrives:
            raise self._error("did not arrive")
        answer = self._node.request(method, *params)
        if fails:
            raise self._error("the answer was lost")
        return answer

    def requests(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        return [self.request(method, *params) for method, *params in calls]

    def close(self) -> None:
        pass
