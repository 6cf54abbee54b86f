r"""Signed notes and cosignatures: text under Ed25519 signatures of named keys.

Sources: C2SP signed-note (note, key id, verifier key), C2SP tlog-cosignature (timestamped Ed25519 cosignature
of witnesses), RFC 8032 (Ed25519).

    note       text ending in a newline, an empty line, signature lines
    line       U+2014, space, key name, space, base64(key id, 4 bytes | signature)
    key id     SHA-256(name | newline | type byte | public key)[:4]
    vkey       name+key id in hexadecimal+base64(type byte | public key)
    type 0x01  signature of the text
    type 0x04  time, 8 bytes | signature of "cosignature/v1\ntime <time>\n" | text

Lines of unknown keys are skipped; a line of a known key that does not verify spoils the whole note.
"""

from __future__ import annotations

import binascii
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.errors import BadProof, BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
#: How the name of a witness's second key ends: its signature means that the witness recomputed every line.
RECOMPUTED: Final = "/recomputed"
#: A verifier must take 16 signatures at least; more than these are not looked at but refused.
MAX_SIGNATURES: Final = 64
MAX_BYTES: Final = 64 * 1024
_DASH: Final = "\u2014"
_SIGNATURE_BYTES: Final = 64


class BadNote(BadProof):
    """Not a signed note, or a known key's signature on it does not verify."""

    code = "bad-note"


class NotSigned(BadProof):
    """No known key signed the note."""

    code = "note-not-signed"


class Line(NamedTuple):
    """One signature line: name, key id (4 bytes), and what follows it."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH} {self.name} {_base64(self.key_id + self.signature)}\n"


class Note(NamedTuple):
    """A note taken apart, nothing verified: text (newline included) and signature lines."""

    text: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(str(line) for line in self.lines)


class Signed(NamedTuple):
    """A signature that verified; `time` is a cosignature's, Unix seconds, else None."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True)
class VerifierKey:
    """A named public key (32 bytes) and what its signatures are of: `kind` is `ED25519` or `COSIGNATURE`."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, lead from a line to this key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a vkey. Raises `BadValue`."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise BadValue("key", text, "not a verifier key: name+hash+key")
        name, key_id, material = parts
        try:
            raw = binascii.a2b_base64(material.encode("ascii"), strict_mode=True)
        except ValueError:
            raise BadValue("key", text, "its key is not base64") from None
        if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE) or not _is_name(name):
            raise BadValue("key", text, "not an Ed25519 verifier key of type 1 or 4")
        key = cls(name, raw[0], raw[1:])
        if key.key_id.hex() != key_id:
            raise BadValue("key", text, f"its hash is {key.key_id.hex()}: mistyped or damaged")
        return key

    def check(self, text: str, signature: bytes) -> Signed:
        """Return what a line of this key says. Raises `BadNote` unless it verifies."""
        message, time = text.encode(), None
        if self.kind == COSIGNATURE:
            time = int.from_bytes(signature[:8], "big")
            message, signature = _cosigned(text, time), signature[8:]
            if time >= 1 << 63:
                raise BadNote(f"the cosignature of {self.name} has an impossible time")
        if len(signature) != _SIGNATURE_BYTES or not _verifies(self.public, signature, message):
            raise BadNote(f"the signature of {self.name} does not verify")
        return Signed(self, time)


@dataclass(frozen=True)
class SigningKey:
    """A named private key: 32 bytes, the seed of RFC 8032."""

    name: str
    kind: int
    seed: bytes

    @property
    def verifier(self) -> VerifierKey:
        """Its public half."""
        return VerifierKey(self.name, self.kind, _public(self.seed))

    def sign(self, text: str, time: int | None = None) -> Line:
        """Sign a note's text; a cosignature needs the time, Unix seconds. Raises `BadValue` for no text."""
        _need_text(text)
        if self.kind == COSIGNATURE:
            assert time is not None
            signature = time.to_bytes(8, "big") + _sign(self.seed, _cosigned(text, time))
        else:
            signature = _sign(self.seed, text.encode())
        return Line(self.name, self.verifier.key_id, signature)


def parse_note(data: bytes) -> Note:
    """Take a note apart. Raises `BadNote`."""
    if len(data) > MAX_BYTES:
        raise BadNote(f"a note of {len(data)} bytes is too long")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("a note is not UTF-8") from None
    if any(ord(each) < 0x20 and each != "\n" for each in whole):
        raise BadNote("a note has control characters")
    text, between, lines = whole.rpartition("\n\n")
    if not between or not lines.endswith("\n"):
        raise BadNote("not a signed note: text, an empty line, signatures")
    given = lines[:-1].split("\n")
    if len(given) > MAX_SIGNATURES:
        raise BadNote(f"a note with {len(given)} signatures")
    return Note(text + "\n", tuple(_line(each) for each in given))


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[Signed, ...]:
    """Return whose signatures verify, each key once, in the order of the lines; other keys' are skipped.

    Raises `BadNote` if one of a known key does not verify.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[tuple[str, bytes], Signed] = {}
    for line in note.lines:
        key = known.get((line.name, line.key_id))
        if key is not None and (line.name, line.key_id) not in found:
            found[line.name, line.key_id] = key.check(note.text, line.signature)
    return tuple(found.values())


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> tuple[Note, tuple[Signed, ...]]:
    """Take a note apart and verify it. Raises `BadNote`, or `NotSigned` if none of the keys signed it."""
    note = parse_note(data)
    signed = verify_note(note, keys)
    if not signed:
        raise NotSigned("none of the known keys signed this: " + ", ".join(key.name for key in keys))
    return note, signed


def parse_lines(data: bytes) -> tuple[Line, ...]:
    """Read signature lines that come alone, as a witness answers. Raises `BadNote`."""
    return parse_note(b"\n\n" + data).lines


def _line(text: str) -> Line:
    parts = text.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not _is_name(parts[1]):
        raise BadNote("a signature line is not: dash, name, base64")
    try:
        raw = binascii.a2b_base64(parts[2].encode("ascii"), strict_mode=True)
    except ValueError:
        raise BadNote(f"the signature of {parts[1]} is not base64") from None
    if len(raw) < 5 or _base64(raw) != parts[2]:
        raise BadNote(f"the signature of {parts[1]} is too short or spelt in another way")
    return Line(parts[1], raw[:4], raw[4:])


def _is_name(name: str) -> bool:
    return bool(name) and not any(
        each == "+" or each.isspace() or unicodedata.category(each) == "Zs" for each in name
    )


def _need_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(each) < 0x20 and each != "\n" for each in text):
        raise BadValue("note", text, "a note's text ends in a newline and has no control characters")


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()


def _public(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  on use

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _sign(seed: bytes, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  on use

    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def _verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  on use
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  on use

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
