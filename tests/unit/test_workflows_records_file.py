"""Files of rows as they arrive: encodings, quotes, headers, sizes. Whatever is wrong costs its own row."""

from __future__ import annotations

import codecs
import io
import json
import resource
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from ledger.domain.catalogue import default_authorities, load_catalogue
from ledger.domain.submissions import FIELDS, Submission, check_row
from ledger.errors import BadValue
from ledger.workflows import csv_rows
from ledger.workflows.csv_rows import QUOTE_REACH
from ledger.workflows.lines import ROW_LIMIT
from ledger.workflows.records_file import RecordsFile, open_records
from ledger.workflows.rows import RejectedRow, Row

if TYPE_CHECKING:
    from pathlib import Path

HEADER = b"party,type,decided_on,conduct_on,reference,refers_to,document\n"
CODE = "91440101MA5CQ9QL7F"


def row(reference: str, document: str = "", **other: str) -> bytes:
    values = {"party": "name:CN:Alpha", "type": "CU01", "decided_on": "2026-04-01", "reference": reference}
    values |= {"document": document, **other}
    return (",".join(values.get(field, "") for field in FIELDS) + "\n").encode()


def read(data: bytes, columns=FIELDS) -> list[Row | RejectedRow]:
    return list(RecordsFile(io.BytesIO(data), len(data), columns, "test.csv"))


def references(items) -> list[str]:
    return [item.fields["reference"] for item in items if isinstance(item, Row)]


def rejected(items) -> list[RejectedRow]:
    return [item for item in items if isinstance(item, RejectedRow)]


def refused(data: bytes) -> str:
    with pytest.raises(BadValue) as raised:
        read(data)
    assert raised.value.field == "file"
    return raised.value.reason


# ------------------------------------------------------------------ the whole file


def test_rows_carry_the_line_they_start_on():
    items = read(HEADER + row("R1") + b'"name:CN:A\nB",CU01,2026-04-01,,R2,,\n' + b"\n" + row("R3"))
    assert [(item.number, item.fields["reference"]) for item in items] == [(2, "R1"), (3, "R2"), (6, "R3")]


def test_crlf_and_a_last_line_without_an_end():
    data = (HEADER + row("R1") + row("R2")).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    assert references(read(data)) == ["R1", "R2"]


def test_a_utf8_byte_order_mark_is_passed_over():
    assert references(read(codecs.BOM_UTF8 + HEADER + row("R1"))) == ["R1"]
    assert references(read(codecs.BOM_UTF8 + b'{"reference": "R1"}\n')) == ["R1"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_and_utf32_are_refused_with_or_without_a_mark(encoding):
    reason = refused((HEADER + row("R1")).decode().encode(encoding))
    assert "UTF-" in reason
    assert "save it as UTF-8" in reason


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n", codecs.BOM_UTF8], ids=repr)
def test_an_empty_file_is_refused(data):
    assert refused(data) == "the file is empty"


def test_a_header_alone_is_a_file_without_rows():
    assert read(HEADER) == []


def test_missing_columns_are_named_with_those_found():
    reason = refused(b"party,type,reference\nx,y,z\n")
    assert "missing columns: decided_on, conduct_on, refers_to, document" in reason
    assert "found: party, type, reference" in reason


def test_a_header_with_another_separator_is_recognised():
    assert "separated by ';'" in refused(HEADER.replace(b",", b";"))


def test_columns_in_any_order_case_and_spacing_and_others_passed_over():
    data = b"Extra,Decided On, PARTY ,Type,conduct-on,Reference,REFERS_TO,Document\nx,2026-04-01,p,t,,R1,,d\n"
    file = RecordsFile(io.BytesIO(data), len(data), FIELDS, "test.csv")
    (item,) = file
    assert item.fields == {
        "decided_on": "2026-04-01", "party": "p", "type": "t", "conduct_on": "", "reference": "R1",
        "refers_to": "", "document": "d",
    }  # fmt: skip
    assert file.ignored == ("Extra",)
    assert file.position == file.size == len(data)


def test_a_column_given_twice_is_refused():
    assert "twice: type" in refused(HEADER.strip() + b",TYPE\n")


def test_line_ends_of_carriage_returns_alone_are_refused():
    assert "carriage return" in refused((HEADER + row("R1")).replace(b"\n", b"\r"))


def test_a_json_array_is_no_ndjson():
    assert "one object a line" in refused(b'[{"reference": "R1"}]')


def test_a_header_in_another_encoding_is_refused_with_the_byte():
    assert "byte 1 of the row (0xB1)" in refused("备注,party\n".encode("gb18030"))


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadValue, match="cannot be read"), open_records(path, FIELDS):
            pass


# ------------------------------------------------------------------ single rows


def test_a_row_that_is_not_utf8_is_rejected_by_field_and_byte_and_the_rest_is_read():
    bad = b"name:CN:Caf\xe9 Ltd,CU01,2026-04-01,,R2,,\n"
    items = read(HEADER + row("R1") + bad + row("R3"))
    assert references(items) == ["R1", "R3"]
    (item,) = rejected(items)
    assert item.number == 3
    assert item.errors[0].field == "party"
    assert item.errors[0].value == r"name:CN:Caf\xe9 Ltd"
    assert item.errors[0].reason == "byte 12 of the row (0xE9) is not UTF-8"
    assert item.fields["reference"] == "R2"


def test_gb18030_is_recognised():
    bad = "name:CN:广州测试有限公司,CU01,2026-04-01,,R2,,\n".encode("gb18030")
    (item,) = rejected(read(HEADER + bad))
    assert "GB18030 (广州测试有限公司): save the file as UTF-8" in item.errors[0].reason


def test_a_nul_byte_in_a_row_is_rejected():
    (item,) = rejected(read(HEADER + row("R1", "a\0b") + row("R2")))
    assert (item.number, item.errors[0].field) == (2, "document")
    assert "NUL" in item.errors[0].reason


@pytest.mark.parametrize("line", [b"a,b\n", b"1,2,3,4,5,6,7,8\n"])
def test_too_few_or_too_many_values(line):
    items = read(HEADER + line + row("R2"))
    assert references(items) == ["R2"]
    assert "the header has 7 columns" in rejected(items)[0].errors[0].reason
    assert rejected(items)[0].raw == line.decode().strip()


def test_quoted_line_breaks_quotes_and_commas():
    (item,) = read(HEADER + row("R1", '"line one\nline, two ""quoted""\r\nthree"'))
    assert item.fields["document"] == 'line one\nline, two "quoted"\r\nthree'


def test_a_quote_inside_an_unquoted_value_is_an_ordinary_character():
    items = read(HEADER + row("R1", '5" pipe') + row("R2"))
    assert references(items) == ["R1", "R2"]
    assert items[0].fields["document"] == '5" pipe'


@pytest.mark.parametrize("stray", [2, 50, 100])
def test_a_quote_never_closed_costs_its_own_row_only(stray):
    """Rows behind it are recorded, those that hold quotes themselves too."""
    rows = [row(f"R{n}", '"a, b"' if n % 3 else "") for n in range(1, 101)]
    rows[stray - 1] = row(f"R{stray}", '"never closed')
    items = read(HEADER + b"".join(rows))
    assert references(items) == [f"R{n}" for n in range(1, 101) if n != stray]
    (item,) = rejected(items)
    assert item.number == stray + 1
    assert item.errors[0].field == "document"
    assert item.errors[0].reason == "a quote is opened and not closed"


def test_two_stray_quotes_do_not_make_one_row_of_what_lies_between():
    rows = [row(f"R{n}") for n in range(1, 101)]
    for n in (10, 60):
        rows[n - 1] = row(f"R{n}", '"never closed')
    items = read(HEADER + b"".join(rows))
    assert references(items) == [f"R{n}" for n in range(1, 101) if n not in (10, 60)]
    assert [item.number for item in rejected(items)] == [11, 61]


def test_a_document_of_5_mb_is_one_rejected_row_with_or_without_line_breaks():
    for document in (b"x" * 5_000_000, b'"' + b"line, with comma\n" * 300_000 + b'"'):
        items = read(HEADER + row("R1") + row("R2", "").removesuffix(b"\n") + document + b"\n" + row("R3"))
        assert references(items) == ["R1", "R3"]
        (item,) = rejected(items)
        assert (item.number, item.errors[0].field) == (3, "document")
        assert f"more than {ROW_LIMIT}" in item.errors[0].reason
        assert len(item.raw) < 20_000


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_a_row_at_the_limit(excess):
    """One byte over is rejected, and the line behind it is read all the same."""
    bare = row("R1", '""')
    document = b"x" * (ROW_LIMIT - len(bare) + excess)
    items = read(HEADER + bare.replace(b'""', b'"' + document + b'"') + row("R2"))
    assert references(items) == (["R2"] if excess > 0 else ["R1", "R2"])


def test_a_quote_left_open_is_followed_so_far_and_no_further(monkeypatch):
    assert QUOTE_REACH > 3 * ROW_LIMIT
    monkeypatch.setattr(csv_rows, "QUOTE_REACH", 10_000)
    filler = row("F") * 500
    items = read(HEADER + row("R1", '"open') + filler + b'x",\n' + row("R2"))
    assert rejected(items)[0].number == 2
    assert references(items)[-1] == "R2"


# ------------------------------------------------------------------ NDJSON


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{nope}", "not JSON: "),
        (b"[1]", "not a JSON object but an array"),
        (b'"text"', "not a JSON object but a string"),
        (b"null", "not a JSON object but null"),
        (b'{"party": "a", "party": "b"}', "'party' stands twice"),
        (b'{"document": {"a": 1, "a": 2}}', "'a' stands twice"),
        (b"{" + b",".join(b'"%d":1' % n for n in range(100_000)) + b',"7":2}', "'7' stands twice"),
        (b'{"document": NaN}', "NaN is no JSON number"),
        (b'{"document": ' + b"9" * 5000 + b"}", "not JSON that can be read"),
        (b'{"document": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON nested deeper than 32 levels"),
        (b'{"party": "Caf\xe9"}', "byte 15 of the row (0xE9) is not UTF-8"),
        (b'{"document": "' + b"x" * ROW_LIMIT + b'"}', f"more than {ROW_LIMIT}"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_a_bad_line_of_ndjson_is_one_rejected_row(line, reason):
    items = read(b'{"reference": "R1"}\n' + line + b'\r\n\n{"reference": "R3"}')
    assert references(items) == ["R1", "R3"]
    (item,) = rejected(items)
    assert item.number == 2
    assert reason in item.errors[0].reason


@pytest.mark.parametrize("depth", [30, 31, 32, 200])
def test_nesting_is_counted_outside_strings_only(depth):
    """A row's own object and the document's levels; brackets in text are text."""
    document = "[" * depth + '"' + "[{" * 500 + r"\"[" + '"' + "]" * depth
    (item,) = read(b'{"document": ' + document.encode() + b"}\n")
    assert isinstance(item, Row) == (depth < 32)


def test_ndjson_keeps_what_a_document_is():
    (item,) = read(json.dumps({"document": {"b": [1, None], "a": "广州"}}).encode() + b"\n")
    assert item.fields == {"document": {"b": [1, None], "a": "广州"}}


# ------------------------------------------------------------------ size


def test_100000_rows_with_3_bad_ones():
    authority, catalogue = default_authorities()[0], load_catalogue()
    rows = [row(f"R{n}") for n in range(1, 100_001)]
    rows[10] = row("R11", type="XX99")
    rows[50_000] = row("R50001", '"never closed')
    rows[99_999] = b"name:CN:Caf\xe9,CU01,2026-04-01,,R100000,,\n"
    accepted, bad = 0, []
    for item in RecordsFile(io.BytesIO(HEADER + b"".join(rows)), 0, FIELDS, "test.csv"):
        checked = (
            check_row(item.fields, catalogue, authority, 30_000) if isinstance(item, Row) else item.errors
        )
        if isinstance(checked, Submission):
            accepted += 1
        else:
            bad.append((item.number, checked[0].field))
    assert accepted == 99_997
    assert bad == [(12, "type"), (50_002, "document"), (100_001, "party")]


def big_file(path: Path, size: int) -> int:
    """Rows of every length, one document of 3 MB among them, until the file has this size."""
    count, written = 0, len(HEADER)
    with path.open("wb") as target:
        target.write(HEADER)
        while written < size:
            block = b"".join(
                row(
                    f"R{count + n}",
                    '"'
                    + f"document {n}, with a line that is long, says little, and takes up room all the same, as lines do in documents\nbreak "
                    * (n % 40)
                    + '"',
                )
                for n in range(500)
            )
            count += 500
            written += target.write(block)
        target.write(row("TOO-LONG", '"' + "x" * 3_000_000 + '"'))
    return count


def test_20_mb_are_read_in_little_memory(tmp_path: Path):
    """The most held at once is two rows of the longest kind: what the file holds more makes no difference."""
    path = tmp_path / "big.csv"
    count = big_file(path, 20_000_000)
    tracemalloc.start()
    try:
        with open_records(path, FIELDS) as file:
            items = sum(isinstance(item, Row) for item in file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert items == count
    assert peak < 10_000_000, peak


@pytest.mark.soak
def test_200_mb_are_read_in_flat_memory(tmp_path: Path):
    path = tmp_path / "big.csv"
    big_file(path, 200_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_records(path, FIELDS) as file:
        for _ in file:
            pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
