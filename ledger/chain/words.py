"""The 32-byte words that a log's topics and data are made of."""

from __future__ import annotations


def words(data: bytes, count: int) -> list[int]:
    """The data's 32-byte words as integers. Raises `ValueError` unless there are exactly `count`."""
    if len(data) != 32 * count:
        raise ValueError(f"{len(data)} bytes of data, not {32 * count}")
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


def topic(topics: list[str], index: int) -> int:
    return int(topics[index], 16)


def account(topics: list[str], index: int) -> str:
    return "0x" + topics[index][26:].lower()


def address(data: bytes, word: int) -> str:
    return "0x" + data[32 * word + 12 : 32 * word + 32].hex()
