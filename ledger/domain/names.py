"""Names as they really arrive, brought to one comparison form; nothing is guessed and no code is invented.

Two spellings of a name compare equal if they differ only in HTML entities, Unicode compatibility forms
(NFKC), case, spacing, punctuation, or the spelling of the legal form at the end:

- `Co., Ltd.`, `Company Limited`, `Limited Company` and the like are one form, `COLTD`;
- `Ltd` and `Limited`, `Inc` and `Incorporated`, `Corp` and `Corporation`, `LLC` and
  `Limited Liability Company`, `GmbH` and its long form, `Co` and `Company` are one each;
- 有限责任公司 and 有限公司 are one form (Company Law of the PRC: such a company may use either).

Pinyin stays as it is: `You Xian Gong Si` equals `Youxiangongsi` because spacing does not count.
`Foo Ltd` and `Foo Co., Ltd.` stay apart: they may be two companies.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final

from ledger.errors import BadValue

#: Longest name accepted, as given, and longest comparison form.
MAX_NAME: Final = 512
MAX_NORMAL: Final = 190

# With the semicolon only: a bare `&copy` inside `A&copyshop` is a name, not an entity.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
# The bidirectional controls can make a name show as another one.
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED: Final = {
    "Cc": "a control character",
    "Cs": "half of a surrogate pair",
    "Co": "a private-use character",
    "Cn": "not an assigned character",
}
# Longest first: each is looked for at the end, after spaces and punctuation are gone.
_FORMS: Final = (
    ("GESELLSCHAFTMITBESCHRÄNKTERHAFTUNG", "GMBH"),
    ("LIMITEDLIABILITYCOMPANY", "LLC"),
    ("COMPANYLIMITED", "COLTD"),
    ("LIMITEDCOMPANY", "COLTD"),
    ("COMPANYLTD", "COLTD"),
    ("LTDCOMPANY", "COLTD"),
    ("COLIMITED", "COLTD"),
    ("LIMITEDCO", "COLTD"),
    ("LTDCO", "COLTD"),
    ("INCORPORATED", "INC"),
    ("CORPORATION", "CORP"),
    ("LIMITED", "LTD"),
    ("COMPANY", "CO"),
)
_CHINESE_FORM = re.compile("有限(?:责任|責任)公司")


@lru_cache(maxsize=65536)
def normal_name(raw: str) -> str:
    """Return the comparison form of a name: upper case, letters, marks and digits only, at most `MAX_NORMAL`.

    The form of a form is itself. Raises `BadValue` (field `party`) for an empty or over-long name, one
    without a letter or digit, and one with control, bidirectional or unassigned characters.
    """
    if len(raw) > MAX_NAME:
        raise BadValue("party", raw, f"the name has {len(raw)} characters, more than {MAX_NAME}")
    form = _decoded(raw)
    _refuse_odd(raw, form)
    previous = None
    while form != previous:
        previous, form = form, _step(form)
    if not form:
        raise BadValue("party", raw, "the name has no letter or digit")
    if len(form) > MAX_NORMAL:
        raise BadValue("party", raw, f"the name has {len(form)} letters and digits, more than {MAX_NORMAL}")
    return form


def normal_country(raw: str) -> str:
    """Return an ISO 3166-1 alpha-2 code in upper case. Raises `BadValue` if it is not two letters."""
    if not _COUNTRY.fullmatch(raw):
        raise BadValue("party", raw, "the country is not two letters (ISO 3166-1)")
    return raw.upper()


def _decoded(text: str) -> str:
    # Feeds encode twice (`&amp;nbsp;`); a third time has not been seen, and stops here.
    for _ in range(3):
        text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    return text


def _refuse_odd(raw: str, text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    for char in text:
        if char in _BIDI:
            raise BadValue("party", raw, f"U+{ord(char):04X} is a bidirectional control character")
        reason = _REFUSED.get(unicodedata.category(char))
        if reason and not char.isspace():
            raise BadValue("party", raw, f"U+{ord(char):04X} is {reason}")


def _step(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().upper()
    text = "".join(char for char in text if char.isalnum() or unicodedata.category(char)[0] in "LNM")
    text = unicodedata.normalize("NFKC", _CHINESE_FORM.sub("有限公司", text))
    for spelled, form in _FORMS:
        if text.endswith(spelled):
            return text[: -len(spelled)] + form
    return text
