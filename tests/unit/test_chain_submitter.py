"""Sending: nonces, several on their way, reasons of failure, and answers that are lost on the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chain_helpers import Ledger, deployed

from ledger.chain import submitter as submitting
from ledger.chain.contracts import Call
from ledger.chain.rpc import Node, RpcRefused
from ledger.chain.submitter import Reverted, Submitter, reason
from ledger.errors import ChainRefused, ChainUnavailable


class Meddling:
    """A node that stands before another one and may do something else for some calls."""

    def __init__(self, real: Node) -> None:
        self.real = real
        self.where = real.where
        self.calls: list[str] = []
        self.meddle: Callable[[str, tuple[Any, ...]], Any] = lambda _method, _params: None

    def request(self, method: str, *params: Any) -> Any:
        self.calls.append(method)
        done = self.meddle(method, params)
        return done if done is not None else self.real.request(method, *params)

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(method, *params) for method, *params in calls]

    def close(self) -> None:
        self.real.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    made = deployed(tmp_path_factory.mktemp("chain"))
    yield made
    made.node.close()


@pytest.fixture
def node(ledger: Ledger) -> Meddling:
    return Meddling(ledger.node)


@pytest.fixture
def sender(ledger: Ledger, node: Meddling) -> Submitter:
    return Submitter(node, ledger.keystore, "operator")


def register(ledger: Ledger, first: int) -> Call:
    return ledger.contracts.register(first, [os.urandom(32)])


def test_several_on_their_way(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    first = ledger.contracts.enterprise_count() + 1
    hashes = [sender.submit(register(ledger, first + n), 200_000) for n in range(5)]
    receipts = sender.wait(hashes)
    assert [r.transaction_hash for r in receipts] == hashes
    assert [r.block_number for r in receipts] == sorted({r.block_number for r in receipts})
    assert ledger.contracts.enterprise_count() == first + 4
    assert node.calls.count("eth_getTransactionCount") == 1


def test_threads_share_one_sender(ledger: Ledger, sender: Submitter) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                sender.execute(ledger.contracts.checkpoint(), 200_000)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_the_contracts_own_reason(ledger: Ledger, sender: Submitter) -> None:
    expected = ledger.contracts.enterprise_count() + 1
    with pytest.raises(Reverted, match="WrongEnterprise") as caught:
        sender.execute(register(ledger, expected + 7), 200_000)
    assert caught.value.name == f"WrongEnterprise(expected={expected})"
    assert not caught.value.retry_helps
    sender.execute(register(ledger, expected), 200_000)


def test_out_of_gas_has_no_reason_and_says_where(ledger: Ledger, sender: Submitter) -> None:
    first = ledger.contracts.enterprise_count() + 1
    with pytest.raises(ChainRefused, match=r"OutOfGas|failed in block"):
        sender.execute(register(ledger, first), 40_000)


def test_more_gas_than_a_transaction_may_have(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    with pytest.raises(ChainRefused, match="EIP-7825"):
        sender.submit(register(ledger, 1), 16_777_217)
    assert "eth_sendRawTransaction" not in node.calls


def test_a_transaction_larger_than_nodes_take(ledger: Ledger, sender: Submitter) -> None:
    with pytest.raises(ChainRefused, match="bytes"):
        sender.submit(Call(ledger.deployment.credit_ledger, bytes(131_072)), 16_000_000)


def test_a_refusal_takes_no_nonce(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    def refuse(method: str, _params: Any) -> Any:
        if method == "eth_sendRawTransaction":
            raise RpcRefused("transaction underpriced", -32000)

    sender.execute(ledger.contracts.checkpoint(), 200_000)
    node.meddle = refuse
    with pytest.raises(ChainRefused, match="underpriced"):
        sender.submit(ledger.contracts.checkpoint(), 200_000)
    node.meddle = lambda *_: None
    sender.execute(ledger.contracts.checkpoint(), 200_000)


@pytest.mark.parametrize("arrives", [True, False], ids=["persisted anyway", "not persisted"])
def test_an_answer_that_is_lost(ledger: Ledger, sender: Submitter, node: Meddling, arrives: bool) -> None:
    first = ledger.contracts.enterprise_count() + 1

    def lose(method: str, params: Any) -> Any:
        if method == "eth_sendRawTransaction":
            if arrives:
                node.real.request(method, *params)
            raise ChainUnavailable("no answer")

    node.meddle = lose
    with pytest.raises(ChainUnavailable):
        sender.submit(register(ledger, first), 200_000)
    node.meddle = lambda *_: None
    assert ledger.contracts.enterprise_count() == first - 1 + arrives
    sender.execute(register(ledger, first + arrives), 200_000)
    assert ledger.contracts.enterprise_count() == first + arrives


def test_what_the_node_forgot_is_sent_again(
    ledger: Ledger, sender: Submitter, node: Meddling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "_RESEND_AFTER", 0.1)
    swallowed: list[Any] = []

    def swallow(method: str, params: Any) -> Any:
        if method == "eth_sendRawTransaction" and not swallowed:
            swallowed.append(params)
            return "0x"
        return None

    node.meddle = swallow
    done = sender.execute(ledger.contracts.checkpoint(), 200_000, timeout=20)
    assert swallowed
    assert ledger.node.request("eth_getTransactionReceipt", done.transaction_hash)["status"] == "0x1"


def test_a_node_that_has_it_already(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    def known(method: str, params: Any) -> Any:
        if method == "eth_sendRawTransaction":
            node.real.request(method, *params)
            raise RpcRefused("already known", -32000)

    node.meddle = known
    sender.execute(ledger.contracts.checkpoint(), 200_000)


def test_waiting_ends(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    node.meddle = lambda method, _params: "0x" if method == "eth_sendRawTransaction" else None
    done = sender.submit(ledger.contracts.checkpoint(), 200_000)
    with pytest.raises(ChainUnavailable, match="not mined"):
        sender.wait([done], timeout=0.1)


def test_the_price_follows_the_node(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    seen: list[int] = []

    def price(method: str, params: Any) -> Any:
        if method == "eth_getBlockByNumber":
            return {"baseFeePerGas": hex(10**12)}
        if method == "eth_maxPriorityFeePerGas":
            return hex(7)
        if method == "eth_sendRawTransaction":
            from ledger.chain.embedded.transactions import read_transaction

            read = read_transaction(bytes.fromhex(params[0][2:]))
            seen.extend((read.gas_price, read.tip))
        return None

    node.meddle = price
    sender.execute(ledger.contracts.checkpoint(), 200_000)
    assert seen == [2 * 10**12 + 7, 7]


def test_a_network_without_a_base_fee(ledger: Ledger, sender: Submitter, node: Meddling) -> None:
    asked: list[str] = []

    def free(method: str, _params: Any) -> Any:
        asked.append(method)
        return {"number": "0x1"} if method == "eth_getBlockByNumber" else None

    node.meddle = free
    sender.submit(ledger.contracts.checkpoint(), 200_000)
    assert "eth_gasPrice" in asked


def test_reasons() -> None:
    plain = RpcRefused("nonce too low", -32000)
    assert reason(plain) is plain
    unknown = reason(RpcRefused("execution reverted", 3, bytes.fromhex("deadbeef")))
    assert "0xdeadbeef" in str(unknown)
