"""The firms of one free-text field of a recall notice: who is named, where, and under which other names.

A notice names firms in prose: `A Co. Ltd., dba B, of China and C Ltd., of Hong Kong, through D Inc., of
Irvine, California`. The rules this reads by:

1. HTML entities are decoded and every run of white space is one space; `;` and a line break end a firm.
2. A place is what follows `of` and is itself followed by an end, a connective or a bracket. Brackets are
   looked over when places are sought, so `(Hong Kong)` inside a name is no place. A name is what stands
   between two places: a place ends its firm even where the next name follows without a space.
3. China, Hong Kong and Macao, with or without a city before or `, China` behind, are located in China. A firm
   of Taiwan is not counted: it is in no register that this ledger's codes come from. Any other place is
   foreign, and the firm before it is not read.
4. `A and B, of China` is two firms only where A ends in a legal form (`Ltd.`, `Co.`, `gongsi`, ...):
   `Import and Export Co.` and `Magik & Kover` are one.
5. What follows `dba` (however written), stands in a bracket behind the name, or follows a complete name in
   pinyin after a slash or a comma is a trade name; `formerly` and `f/k/a` give former names, `owner of the X
   brand` a brand. Any other bracket behind the place is a note and is dropped.
"""

from __future__ import annotations

import html
import re
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATES: Final = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|"
    "Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|"
    "Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York|"
    "North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|"
    "Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|"
    r"(?:[A-Z]\.\s?){2}|(?!Ltd|Inc|Corp)[A-Z][a-z]{2,4}\."
)
#: Stands in for each character of a bracket while places and separators are sought.
_MASK: Final = "\x00"
_IN_CHINA: Final = r"""
    (?P<china> (?: (?!(?:Ltd|Limited|Inc|LLC|Co|Corp)\b) [A-Z][\w'’-]* (?:\s[A-Z][\w'’-]*){0,2} ,\s* ){0,2}
        (?: (?: Hong\s?Kong | HONG\s?KONG | Maca[ou] ) (?:\sSAR)? (?: ,\s*(?:China|CHINA|P\.?R\.?C\.?) )?
          | (?:mainland\s|Mainland\s)? (?:China|CHINA) | (?:the\s)?P\.?R\.?\s?(?:C\b\.?|China)
          | (?:the\s)?People['’]s\sRepublic\sof\sChina ) )
    (?= [A-Z] | \s*(?: $ | [.;,\x00] | (?:and|through|by|doing|[dD]/?[bB]/?[aA])\b ) )
"""
#: Lengths are bounded so that no text makes the search slow: no place has a longer name.
_ELSEWHERE: Final = r"[A-Z][\w.'’ -]{0,60}?"
_PLACE = re.compile(
    rf"""
    ,?\s* \b(?:of|from)\s+
    (?: {_IN_CHINA}
      | (?: [^,;\x00]{{0,60}} ,\s* )?? (?:{_STATES}) (?![a-z])
      | (?<=,\sof\s) {_ELSEWHERE} (?= \s*(?: $ | [;,\x00] | and\b ) )
      | {_ELSEWHERE} (?= \s+and\b ) )
    \.?
    """,
    re.VERBOSE,
)
_BRACKET = re.compile(r"\(([^()]*)\)")
_CONNECTIVES = re.compile(r"^(?:[\s,;.&]|and\b|through\b|by\b)+")
_SEPARATOR = re.compile(r",?\s+and\s+|,\s+")
_THROUGH = re.compile(r",?\s+through\b")
_DBA = re.compile(
    r"[\s,]*\b(?:d\s?/\s?b\s?/\s?a|d\.\s?b\.\s?a\b\.?|dba|doing\sbusiness\sas|trading\sas|a/k/a|aka|also\sknown\sas)\b:?\s*",
    re.IGNORECASE,
)
_FORMER = re.compile(r"\s*(?:formerly(?:\sknown\sas)?|f/k/a|fka)\b:?\s*", re.IGNORECASE)
_BRAND = re.compile(r",?\s*(?:and\s)?(?:the\s)?owner\sof\s(?:the\s)?(.+?)\sbrands?\b", re.IGNORECASE)
_RELATION = re.compile(r",\s*an?\s(?:affiliate|subsidiary|division)\sof\s.*", re.IGNORECASE)
_SHOP_OF = re.compile(r"^(?:an?\s|the\s)?[A-Z]\w*(?:\.com)?\s(?:seller|storefront)\s(?=\S)")
_FORM: Final = r"(?:\b(?:Ltd|Limited|Inc|LLC|Corp|Corporation|Company|Co|GmbH)|gong\s?si)\.?"
_ENDS_IN_FORM = re.compile(rf"{_FORM}$", re.IGNORECASE)
_ONLY_FORM = re.compile(rf"^{_FORM}$", re.IGNORECASE)
_PINYIN_THEN_MORE = re.compile(r"^(.*gong\s?si)\s*[/,]\s*(.+)$", re.IGNORECASE)
_EDGES: Final = " ,;(\"“”‘'"


class Firm(NamedTuple):
    """One firm as a notice names it. `place` is as printed (`Hong Kong`), `printed` the firm's own words."""

    name: str
    place: str
    trade_names: tuple[str, ...]
    former_names: tuple[str, ...]
    brands: tuple[str, ...]
    printed: str


def firms_in_china(text: str) -> list[Firm]:
    """Return the firms located in China that a notice's field names, in the order of the text."""
    text = tidy(text)
    ends = [found.start() for found in re.finditer(";", _masked(text))]
    clauses = [text[start:end] for start, end in pairwise([0, *ends, len(text)])]
    return [firm for clause in clauses for firm in _firms_of(clause.lstrip("; "))]


def mentions_china(text: str) -> bool:
    """Whether China, Hong Kong or Macao stands where a place would: the net under `firms_in_china`."""
    places = r"(?:\b(?:of|from|in)\s|,\s*)(?:China|Hong\s?Kong|Maca[ou])\b"
    return re.search(places, _masked(tidy(text)), re.IGNORECASE) is not None


def tidy(text: str) -> str:
    """Decode entities, make each run of spaces one (no-break ones too) and a line break behind a firm `;`."""
    text = html.unescape(html.unescape(text)).replace("\u200b", "")
    text = re.sub(r"(?<=[^\s,;])\s*[\r\n]+\s*(?!of\b|$)", "; ", text)
    return " ".join(text.split())


def _masked(text: str) -> str:
    """Blank out every closed bracket with what it holds, keeping every position."""
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    for position, char in enumerate(text):
        if char == "(":
            opened.append(position)
        elif char == ")" and opened:
            start = opened.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, position + 1))
    for start, end in spans:
        text = f"{text[:start]}{_MASK * (end - start)}{text[end:]}"
    return text


def _firms_of(clause: str) -> list[Firm]:
    """Read one clause, place by place; what stands behind a place may still belong to the firm before it."""
    found: list[Firm] = []
    cursor, place = 0, ""
    names: list[str] = []
    for mark in [*_PLACE.finditer(_masked(clause)), None]:
        between = clause[cursor : mark.start() if mark else len(clause)]
        behind, ahead = _behind_and_ahead(between, last=mark is None) if cursor else ("", between)
        if place:
            found += [_firm(name, place, behind if name is names[-1] else "") for name in names]
        if mark:
            names = _several(_CONNECTIVES.sub("", ahead))
            place, cursor = mark["china"] or "", mark.end()
    return [firm for firm in found if firm.name]


def _behind_and_ahead(between: str, *, last: bool) -> tuple[str, str]:
    """Divide the text between two places: what still names the firm before, and the names of the next."""
    bracket = re.match(r"\s*\(([^()]*)\)", between)
    rest = between[bracket.end() :] if bracket else between
    note = bracket.group() if bracket and (_DBA.match(bracket[1]) or _FORMER.match(bracket[1])) else ""
    if not _DBA.match(rest):
        return note, rest
    through = _THROUGH.search(rest)
    end = through.start() if through else len(rest) if last else max(rest.rfind(" and "), 0)
    return note + rest[:end], rest[end:]


def _several(text: str) -> list[str]:
    """Divide `A Ltd. and B Ltd.` into its firms; trade names (`dba B and C`) stay with their firm."""
    found: list[str] = []
    marks = [*_SEPARATOR.finditer(_masked(text))]
    start = 0
    for mark, following in zip_longest(marks, marks[1:]):
        left, right = (
            text[start : mark.start()],
            text[mark.end() : following.start() if following else len(text)],
        )
        if _begins_a_firm(left, right, by_and="and" in mark.group()):
            found.append(left)
            start = mark.end()
    return [*found, text[start:]]


def _begins_a_firm(left: str, right: str, *, by_and: bool) -> bool:
    head = _head(right)
    firm_ahead = bool(_ENDS_IN_FORM.search(head)) and not _ONLY_FORM.match(head) and head[0].isupper()
    if _DBA.search(left):
        return by_and and firm_ahead
    whole = bool(_ENDS_IN_FORM.search(_head(left)))
    return whole and (firm_ahead or (by_and and not right.startswith(("owner", "the owner"))))


def _head(text: str) -> str:
    """Return the name without brackets and trade names: where a legal form is looked for."""
    return _DBA.split(_BRACKET.sub("", text), maxsplit=1)[0].strip(_EDGES)


def _firm(text: str, place: str, behind: str) -> Firm:
    """Take one firm's text apart: name, trade names, former names, brands."""
    brands = _BRAND.findall(text)
    rest = _RELATION.sub("", _BRAND.sub("", text))
    trade: list[str] = []
    former: list[str] = []
    for bracket in [*_BRACKET.finditer(rest)][::-1]:
        if not _within_name(rest, bracket):
            _file(bracket[1], trade, former)
            rest = rest[: bracket.start()] + rest[bracket.end() :]
    name, *others = _DBA.split(rest)
    pinyin = _PINYIN_THEN_MORE.match(name.strip(_EDGES))
    if pinyin:
        name, extra = pinyin.groups()
        trade.insert(0, extra)
    for bracket in _BRACKET.finditer(behind):
        _file(bracket[1], trade, former)
    others += _DBA.split(_BRACKET.sub("", behind))[1:]
    trade += [each for group in others for each in _listed(group, _SEPARATOR)]
    return Firm(
        name=" ".join(name.split()).strip(_EDGES),
        place=place,
        trade_names=_clean(_SHOP_OF.sub("", each.strip(_EDGES)) for each in trade),
        former_names=_clean(former),
        brands=_clean(brands),
        printed=f"{text.strip(' ,;')}, of {place}{behind}".strip(),
    )


def _within_name(text: str, bracket: re.Match[str]) -> bool:
    """Whether a bracket is part of a name, as in `Bestway (Hong Kong) International Ltd.`."""
    if _DBA.match(bracket[1]) or _FORMER.match(bracket[1]):
        return False
    return re.match(r"\s*\w", text[bracket.end() :]) is not None and not _DBA.match(text[bracket.end() :])


def _file(inside: str, trade: list[str], former: list[str]) -> None:
    """Sort the content of a bracket: former names if it says so, trade names otherwise."""
    told = _FORMER.match(inside)
    if told:
        former.extend(_listed(inside[told.end() :], re.compile(r",\s+")))
    else:
        trade.extend(_listed(_DBA.sub("", inside, count=1) if _DBA.match(inside) else inside, _SEPARATOR))


def _listed(text: str, separator: re.Pattern[str]) -> list[str]:
    """Divide a list of names; a legal form after a comma (`Co., Ltd.`) stays with its name."""
    found: list[str] = []
    for item in separator.split(text):
        if found and _ONLY_FORM.match(item.strip()):
            found[-1] += f", {item.strip()}"
        else:
            found.append(item)
    return found


def _clean(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in names if (name := each.strip(_EDGES))))
