"""`verify --node`: evidence held against a node of the reader's own, asked over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from house import DAY, House, event, party
from parts import parts

from ledger.audit.report_text import claims_text
from ledger.audit.verifier import NotAsTrusted, Trusted, verify_evidence
from ledger.chain.embedded.server import ChainServer
from ledger.errors import ChainUnavailable
from ledger.workflows.own_node import ask_node
from ledger.workflows.proving import prove

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.chain.embedded import EmbeddedNode

ONE = "uscc:9144030071526726XG"


def settle(house: House) -> None:
    house.sender().drain()
    house.follower().catch_up()


@pytest.fixture
def recorded(house: House) -> House:
    house.accept(event("A", party(1)._replace(key=ONE, text=ONE[5:])))
    settle(house)
    return house


@pytest.fixture
def url(recorded: House) -> Iterator[str]:
    server = ChainServer(cast("EmbeddedNode", recorded.node))
    yield server.url
    server.stop()


def test_the_readers_own_node_makes_a_record_complete(recorded: House, url: str, tmp_path: Path) -> None:
    data = prove(parts(recorded, tmp_path), ONE, DAY)
    verdict = verify_evidence(data, Trusted(node=ask_node(url)))
    found = verdict.vouched
    assert found.complete
    assert "is the ledger you mean: no key of it says so" in claims_text(verdict)
    assert "by the heads that your node http://127.0.0.1:" in found.why
    assert not found.signed
    assert found.time is not None


def test_a_record_since_then_is_missed_at_the_node(recorded: House, url: str, tmp_path: Path) -> None:
    data = prove(parts(recorded, tmp_path), ONE, DAY)
    recorded.accept(event("B", party(1)._replace(key=ONE, text=ONE[5:])))
    settle(recorded)
    with pytest.raises(NotAsTrusted, match="of your node, the file at"):
        verify_evidence(data, Trusted(node=ask_node(url)))


def test_the_files_block_is_the_nodes_own(recorded: House, url: str, tmp_path: Path) -> None:
    data, asking = prove(parts(recorded, tmp_path), ONE, DAY), ask_node(url)
    verdict = verify_evidence(data, Trusted(node=asking))
    node = verdict.vouched.node
    assert node is not None
    assert node.stated == verdict.stated.block
    assert "not checked: block" not in claims_text(verdict)
    with pytest.raises(NotAsTrusted, match=f"block {node.stated.number} is .* at your node, made at"):
        # The same heads, on a chain that has another block there.
        verify_evidence(data, Trusted(node=lambda c, n, block: asking(c, n, block - 1)))
    ahead = verify_evidence(data, Trusted(node=lambda c, n, block: asking(c, n, block + 1000)))
    assert ahead.vouched.complete
    assert f"not checked: block {node.stated.number}: your node" in claims_text(ahead)


def test_another_chain_or_no_contract_or_no_node_at_all(recorded: House, url: str, tmp_path: Path) -> None:
    data = prove(parts(recorded, tmp_path), ONE, DAY)
    asking = ask_node(url)
    with pytest.raises(NotAsTrusted, match="your node is of chain"):
        verify_evidence(data, Trusted(node=lambda *a: asking(*a)._replace(genesis=bytes(32))))
    with pytest.raises(NotAsTrusted, match="your node has no contract"):
        verify_evidence(data, Trusted(node=lambda _, numbers, block: asking(bytes(20), numbers, block)))
    with pytest.raises(ChainUnavailable):
        verify_evidence(data, Trusted(node=ask_node("http://127.0.0.1:9")))
