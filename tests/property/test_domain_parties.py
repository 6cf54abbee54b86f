"""Parties and identifiers over any text: one key, stable, and never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.identifiers import check_identifier, check_uscc
from ledger.domain.parties import named_party, parse_party
from ledger.errors import BadValue

quick = settings(max_examples=200, deadline=None)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
words = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Co",
                "Ltd",
                "Limited",
                "Company",
                "Inc",
                "Xin",
                "you xian",
                "gong si",
                "有限",
                "责任公司",
                "&",
                "ß",
            ]
        ),
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=6),
    ),
    min_size=1,
    max_size=8,
)


def key_or_reason(name):
    try:
        return named_party("CN", name).key
    except BadValue as error:
        return error.reason


@quick
@given(st.text(max_size=60))
def test_any_text_gets_a_verdict_or_a_key_that_is_its_own(text):
    verdict = check_identifier(text)
    assert verdict.why
    if verdict.valid:
        key = parse_party(text).key
        assert parse_party(key).key == key
    else:
        with pytest.raises(BadValue) as caught:
            parse_party(text)
        assert caught.value.reason == verdict.why


@quick
@given(st.text(max_size=80))
def test_a_name_has_a_printable_stable_key(name):
    try:
        key = named_party("cn", name).key
    except BadValue:
        return
    assert key.isprintable()
    assert len(key) <= 200
    assert parse_party(key).key == key
    assert named_party("CN", key.removeprefix("name:CN:")).key == key


@quick
@given(words)
def test_spacing_case_and_entities_do_not_matter(parts):
    name = " ".join(parts)
    spellings = [
        "".join(parts),
        "\u3000 ".join(parts),
        "&nbsp;".join(parts),
        "&#160;\n".join(parts),
        name.casefold(),
        name.replace("&", "&amp;"),
        f"  ({name})...",
    ]
    assert {key_or_reason(each) for each in spellings} == {key_or_reason(name)}


def make_uscc(prefix, organisation):
    """Complete a code the long way round, by trying every character."""
    total = sum(
        int(char, 36) * weight for char, weight in zip(organisation, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    ninth = next(char for value, char in enumerate("0123456789X") if (total + value) % 11 == 0)
    body = prefix + organisation + ninth
    for char in ALPHABET:
        weighed = sum(ALPHABET.index(c) * 3**i for i, c in enumerate(body))
        if (weighed + ALPHABET.index(char)) % 31 == 0:
            return body + char
    raise AssertionError(body)


@quick
@given(
    st.text(ALPHABET, min_size=2, max_size=2),
    st.integers(0, 999_999),
    st.text(ALPHABET, min_size=8, max_size=8),
    st.integers(0, 17),
    st.sampled_from(ALPHABET),
)
def test_made_codes_hold_and_one_changed_character_does_not(kind, region, organisation, position, char):
    code = make_uscc(f"{kind}{region:06d}", organisation)
    assert check_uscc(code).valid
    assert check_uscc(code.lower()).code == code
    changed = code[:position] + char + code[position + 1 :]
    assert check_uscc(changed).valid == (changed == code)
