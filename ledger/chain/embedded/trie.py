"""The Merkle Patricia trie over 32-byte keys: reading one, and setting many values at once.

Source: Yellow Paper, appendix D. A batch of records changes one storage slot per enterprise; setting them
one by one encodes and hashes the upper branches again and again, which took most of a block's time. Here
the changes are put into the trie first, and every changed node is encoded and hashed once. Nothing is
removed here: values may be added or replaced, and keys all have the same length, so no branch carries a
value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.embedded.blocks import EMPTY_ROOT
from ledger.chain.rlp import Item, decode_list, encode
from ledger.crypto.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: A key's nibbles, one hexadecimal digit each, and the value to set.
_Change = tuple[str, bytes]
#: What a branch or extension holds: a hash, a node written inside its parent, or a changed node.
_Node = Item


def lookup(read: Callable[[bytes], bytes], root: bytes, key: bytes) -> bytes:
    """Return the value under a 32-byte key; empty if there is none.

    `read` finds a node by its hash, and raises `KeyError` for one that is missing, here and in `update`.
    """
    if root == EMPTY_ROOT:
        return b""
    nibbles = key.hex()
    node: _Node = root
    while True:
        items = _open(read, node)
        if len(items) == 17:
            node, nibbles = items[int(nibbles[0], 16)], nibbles[1:]
            if node == b"":
                return b""
            continue
        path, is_leaf = _path(items)
        if is_leaf:
            return items[1] if path == nibbles and isinstance(items[1], bytes) else b""
        if not nibbles.startswith(path):
            return b""
        node, nibbles = items[1], nibbles[len(path) :]


def update(
    read: Callable[[bytes], bytes], root: bytes, values: Mapping[bytes, bytes]
) -> tuple[bytes, dict[bytes, bytes]]:
    """Set values (none empty) under 32-byte keys; return the new root and the new nodes by hash."""
    changes = sorted((key.hex(), value) for key, value in values.items())
    if not changes:
        return root, {}
    nodes: dict[bytes, bytes] = {}
    top = _changed(read, b"" if root == EMPTY_ROOT else root, changes)
    encoded = encode(_sealed(top, nodes))
    nodes[keccak256(encoded)] = encoded
    return keccak256(encoded), nodes


def _changed(read: Callable[[bytes], bytes], node: _Node, changes: list[_Change]) -> list[Item]:
    """Return the node with the changes in it; keys are relative to it."""
    if node == b"":
        return _built(changes)
    items = _open(read, node)
    if len(items) == 17:
        return _branched(read, list(items), changes)
    path, is_leaf = _path(items)
    if is_leaf:
        if all(key != path for key, _ in changes):
            assert isinstance(items[1], bytes)
            changes = sorted([*changes, (path, items[1])])
        return _built(changes)
    shared = _common([path, changes[0][0], changes[-1][0]])
    if shared == len(path):
        below = _changed(read, items[1], [(key[shared:], value) for key, value in changes])
        return [_hex_prefix(path, is_leaf=False), below]
    # The extension ends here: a branch takes its place, and what it led to hangs below.
    rest = path[shared + 1 :]
    branch: list[Item] = [b""] * 17
    branch[int(path[shared], 16)] = [_hex_prefix(rest, is_leaf=False), items[1]] if rest else items[1]
    branch = _branched(read, branch, [(key[shared:], value) for key, value in changes])
    return [_hex_prefix(path[:shared], is_leaf=False), branch] if shared else branch


def _branched(read: Callable[[bytes], bytes], branch: list[Item], changes: list[_Change]) -> list[Item]:
    """Return the branch with the changes below it."""
    start = 0
    while start < len(changes):
        nibble, end = changes[start][0][0], start
        while end < len(changes) and changes[end][0][0] == nibble:
            end += 1
        below = [(key[1:], value) for key, value in changes[start:end]]
        slot = int(nibble, 16)
        branch[slot] = _changed(read, branch[slot], below)
        start = end
    return branch


def _built(changes: list[_Change]) -> list[Item]:
    """Return a new subtrie that holds just these."""
    if len(changes) == 1:
        ((key, value),) = changes
        return [_hex_prefix(key, is_leaf=True), value]
    shared = _common([changes[0][0], changes[-1][0]])
    branch: list[Item] = [b""] * 17
    branch = _branched(dict[bytes, bytes]().__getitem__, branch, [(key[shared:], v) for key, v in changes])
    return [_hex_prefix(changes[0][0][:shared], is_leaf=False), branch] if shared else branch


def _sealed(node: list[Item], nodes: dict[bytes, bytes]) -> list[Item]:
    """Return the node with every changed node below replaced by its reference, and note those in `nodes`."""
    at = (1,) if len(node) == 2 else range(16)
    for index in at:
        below = node[index]
        if isinstance(below, list):
            sealed = _sealed(below, nodes)
            encoded = encode(sealed)
            if len(encoded) >= 32:
                digest = keccak256(encoded)
                nodes[digest] = encoded
                node[index] = digest
            else:
                node[index] = sealed
    return node


def _open(read: Callable[[bytes], bytes], node: _Node) -> list[Item]:
    """Return a node's items: decoded if it is a hash."""
    return decode_list(read(node)) if isinstance(node, bytes) else node


def _path(items: list[Item]) -> tuple[str, bool]:
    """Return the nibbles of a leaf or extension, and whether it is a leaf (hex prefix, appendix C)."""
    prefix = items[0]
    assert isinstance(prefix, bytes)
    text = prefix.hex()
    flag = int(text[0], 16)
    return text[1 if flag & 1 else 2 :], flag >= 2


def _hex_prefix(nibbles: str, *, is_leaf: bool) -> bytes:
    flag = 2 * is_leaf
    return bytes.fromhex(f"{flag + 1}{nibbles}" if len(nibbles) % 2 else f"{flag}0{nibbles}")


def _common(keys: list[str]) -> int:
    """How many leading nibbles the keys share."""
    first, last = min(keys), max(keys)
    limit = min(len(first), len(last))
    return next((i for i in range(limit) if first[i] != last[i]), limit)
