"""Identifiers of enterprises: the Chinese USCC with both its checks, and the LEI.

- USCC: GB 32100-2015, 18 characters; characters 9 to 17 are an organisation code with a check of its own
  (GB 11714-1997). Both checks must hold, and a remainder of 0 gives the check character `0`.
- LEI: ISO 17442, 20 characters, check digits by ISO 7064 mod 97-10.

Lower case and full-width characters are accepted, and the code is stored in upper-case ASCII; anything else
outside the alphabet is refused by name.
"""

from __future__ import annotations

import re
import string
from operator import mul
from typing import Final, NamedTuple

from ledger.domain.names import normal_country, normal_name
from ledger.errors import BadValue

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ALNUM: Final = string.digits + string.ascii_uppercase
# Character codes to values; organisation codes take A to Z for 10 to 35 (GB 11714), not the USCC's alphabet.
_VALUES: Final = bytes(max(_ALPHABET.find(chr(code)), 0) for code in range(256))
_ORGANISATION_VALUES: Final = bytes(max(_ALNUM.find(chr(code)), 0) for code in range(256))
_WEIGHTS: Final = tuple(pow(3, position, 31) for position in range(17))
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_PLAIN_USCC: Final = re.compile(f"[{_ALPHABET}]{{18}}")
_FULL_WIDTH: Final = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}

_BOTH_HOLD: Final = "both checks hold"
_REMAINDER_0: Final = "remainder 0: the check character is 0"
_LOWER: Final = "lower case as registers sometimes print it; stored upper case"
_WIDE: Final = "full-width characters; stored as ASCII"


class Verdict(NamedTuple):
    """Whether an identifier is valid, its canonical form if it is (else the text as given), and why."""

    valid: bool
    code: str
    why: str


def check_uscc(text: str) -> Verdict:
    """Judge a unified social credit code (GB 32100-2015). `code` is the 18 characters in upper case."""
    if _PLAIN_USCC.fullmatch(text):
        code, notes, reason = text, list[str](), None
    else:
        code, notes = _ascii_upper(text)
        reason = _first_of(code, 18, _ALPHABET)
    if reason is None and not code[2:8].isdecimal():
        reason = "the region (characters 3 to 8) is not six digits"
    if reason is not None:
        return Verdict(valid=False, code=text, why=reason)
    check = _uscc_check(code)
    organisation_holds = _organisation_check(code) == code[16]
    if check != code[17]:
        also = "" if organisation_holds else ", and the organisation check does not hold"
        return Verdict(valid=False, code=text, why=f"check character should be {check}{also}")
    if not organisation_holds:
        return Verdict(valid=False, code=text, why="USCC check holds but the organisation check does not")
    if check == "0":
        notes.append(_REMAINDER_0)
    return Verdict(valid=True, code=code, why="; ".join(notes) or _BOTH_HOLD)


def check_lei(text: str) -> Verdict:
    """Judge a legal entity identifier (ISO 17442). `code` is the 20 characters in upper case."""
    code, notes = _ascii_upper(text)
    reason = _first_of(code, 20, _ALNUM)
    if reason is None and not code[18:].isdecimal():
        reason = "the check (characters 19 and 20) is not two digits"
    if reason is None:
        number = int("".join(str(_ALNUM.index(char)) for char in code[:18]) + "00")
        check = f"{98 - number % 97:02d}"
        reason = None if check == code[18:] else f"check digits should be {check}"
    if reason is not None:
        return Verdict(valid=False, code=text, why=reason)
    return Verdict(valid=True, code=code, why="; ".join(notes) or "check digits hold")


def check_name(country: str, name: str) -> Verdict:
    """Judge an unresolved name: usable or not. `code` is its key, `name:CC:FORM`."""
    try:
        key = f"name:{normal_country(country)}:{normal_name(name)}"
    except BadValue as error:
        return Verdict(valid=False, code=f"name:{country}:{name}", why=error.reason)
    return Verdict(valid=True, code=key, why="an unresolved name; no code is known")


def check_identifier(text: str) -> Verdict:
    """Judge any identifier: `uscc:CODE`, `lei:CODE`, `name:CC:NAME`, or a bare code.

    A bare code of 20 characters is taken for an LEI, any other for a USCC. `code` of a valid USCC or LEI has
    no prefix; of an invalid identifier it is the text as given.
    """
    if _PLAIN_USCC.fullmatch(text):
        return check_uscc(text)
    bare = text.strip()
    scheme, *rest = split_prefix(bare, 1)
    scheme = scheme.translate(_FULL_WIDTH).strip().lower()
    if not bare:
        verdict = Verdict(valid=False, code=text, why="empty")
    elif not rest:
        verdict = _check_bare(bare)
    elif scheme == "uscc":
        verdict = check_uscc(rest[0].strip())
    elif scheme == "lei":
        verdict = check_lei(rest[0].strip())
    elif scheme == "name":
        verdict = _check_named(rest[0])
    else:
        verdict = Verdict(valid=False, code=text, why="the prefix is none of uscc:, lei:, name:")
    return verdict if verdict.valid else verdict._replace(code=text)


def split_prefix(text: str, colons: int) -> list[str]:
    """Cut a text at its first `colons` colons, ASCII or full-width; what follows them stays as given."""
    return re.split("[:：]", text, maxsplit=colons)


def _check_bare(code: str) -> Verdict:
    verdict = check_lei(code) if len(code) == 20 else check_uscc(code)
    if not 15 <= len(code) <= 21:
        hint = "a code has 18 (USCC) or 20 (LEI); a name is written name:CC:NAME"
        return verdict._replace(why=f"{len(code)} characters: {hint}")
    return verdict


def _check_named(rest: str) -> Verdict:
    country, *name = split_prefix(rest, 1)
    if not name:
        return Verdict(valid=False, code=rest, why="a name is written name:CC:NAME, CC being its country")
    return check_name(country.strip(), name[0])


def _ascii_upper(text: str) -> tuple[str, list[str]]:
    """Return the text in upper-case ASCII where it can be, and a note per change made."""
    ascii_text = text.translate(_FULL_WIDTH)
    notes = [] if ascii_text == text else [_WIDE]
    # Only ASCII letters: upper-casing others makes new ones (`ß` gives `SS`).
    upper = ascii_text.upper() if ascii_text.isascii() else ascii_text
    if upper != ascii_text:
        notes.append(_LOWER)
    return upper, notes


def _first_of(code: str, length: int, alphabet: str) -> str | None:
    """Name the first thing wrong with the characters; an invisible one before the length it upsets."""
    for char in code:
        if not char.isprintable() or not char.isascii():
            shown = char if char.isprintable() else f"U+{ord(char):04X}"
            return f"{shown} is not in the alphabet"
    if len(code) != length:
        return f"{len(code)} characters" if code else "empty"
    for char in code:
        if char not in alphabet:
            return f"{char} is not in the alphabet"
    return None


def _uscc_check(code: str) -> str:
    total = sum(map(mul, code.encode().translate(_VALUES), _WEIGHTS))
    return _ALPHABET[(31 - total % 31) % 31]


def _organisation_check(code: str) -> str:
    total = sum(map(mul, code[8:16].encode().translate(_ORGANISATION_VALUES), _ORGANISATION_WEIGHTS))
    value = (11 - total % 11) % 11
    return "X" if value == 10 else str(value)
