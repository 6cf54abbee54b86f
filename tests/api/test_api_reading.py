"""Reading through a real socket: score, record, submission, log and checkpoint of a ledger with a chain under it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from served_ledger import FIRST, NAME, ODD, SECOND, THIRD, post, record

from ledger.audit.evidence import verify_evidence
from ledger.crypto.checkpoints import parse_checkpoint
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import leaf_hash
from ledger.crypto.notes import Note, parse_note, verify_note
from ledger.crypto.proofs import verify_consistency, verify_inclusion
from ledger.domain.calendar import iso
from ledger.outbox import undone
from ledger.outbox.deeds import Deed
from ledger.workflows.checkpoints import operator_key
from ledger.workflows.kept_checkpoints import Kept, keep, kept_checkpoints
from ledger.workflows.reading import score_of
from ledger.workflows.record_reading import record_of
from ledger.workflows.repairing import repair
from ledger.workflows.sending import send

if TYPE_CHECKING:
    import httpx
    from served_ledger import Served


@pytest.fixture(scope="module")
def audit(served: Served) -> httpx.Client:
    return served.client("audit")


@pytest.fixture(scope="module")
def gacc(served: Served) -> httpx.Client:
    return served.client("authority:GACC")


def ok(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_score_has_a_reason_for_every_point(served: Served, gacc: httpx.Client) -> None:
    found = ok(gacc.get(f"/v1/enterprises/{FIRST}/score"))
    assert (found["score"], found["grade"], found["id"]) == (84, "B", FIRST)
    assert [(each["type"], each["points"]) for each in found["reasons"]] == [("CU04", -8), ("MR03", -8)]
    assert found["reasons"][0]["record"] == "GACC-1"
    assert found["as_of"] == iso(served.ledger.today())


def test_the_score_is_what_the_command_line_prints(served: Served, gacc: httpx.Client) -> None:
    ledger = served.ledger
    expected = score_of(ledger.db, ledger.catalogue, ledger.cards, FIRST, ledger.today())
    assert ok(gacc.get(f"/v1/enterprises/{FIRST}/score")) == expected


def test_an_old_day_has_its_own_score(served: Served, gacc: httpx.Client) -> None:
    def at(days_ago: int) -> tuple[object, object]:
        day = iso(served.ledger.today() - days_ago)
        found = ok(gacc.get(f"/v1/enterprises/{SECOND}/score", params={"as_of": day}))
        return found["score"], found["grade"]

    assert at(0) == (100, "M") or at(0) == (100, "A"), "repaired"
    assert at(1) == at(0)
    assert at(2) == (60, "C")
    assert at(10)[0] == 100


def test_a_bare_code_and_a_name_are_found(gacc: httpx.Client) -> None:
    assert ok(gacc.get(f"/v1/enterprises/{FIRST.removeprefix('uscc:')}/score"))["id"] == FIRST
    assert ok(gacc.get(f"/v1/enterprises/{quote(NAME, safe='')}"))["id"] == NAME


def test_the_record_names_every_item_and_how_it_stands(gacc: httpx.Client) -> None:
    found = ok(gacc.get(f"/v1/enterprises/{SECOND}/record"))
    assert [(each["reference"], each["type"], each["status"]) for each in found["records"]] == [
        ("dishonest 1", "CU06", "repaired"),
        ("repair 1", "LC03", "applied"),
    ]
    assert found["records"][0]["by"] == found["records"][1]["record"]
    assert found["records"][1]["refers_to"] == "dishonest 1"
    assert found["next"] is None


def test_the_record_is_the_workflows_record_in_pages(served: Served) -> None:
    ledger = served.ledger
    whole = record_of(ledger.db, ledger.catalogue, ledger.keystore.master_key, FIRST, ledger.today())
    pages, cursor = [], None
    while True:
        params = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        with served.client("audit") as audit:  # which reads every document
            page = ok(audit.get(f"/v1/enterprises/{FIRST}/record", params=params))
        pages += page["records"]
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == whole["records"]
    assert [each["document"] for each in pages] == [{"fine": 60000, "currency": "CNY"}, "经营异常名录"]


def test_who_an_enterprise_is_and_its_head(served: Served, audit: httpx.Client) -> None:
    found = ok(audit.get(f"/v1/enterprises/{FIRST}"))
    assert found["records"] == 2
    assert found["head"] == served.ledger.contracts.head(found["enterprise"]).hex()


def test_a_submission_goes_from_queued_to_recorded(served: Served, gacc: httpx.Client) -> None:
    sent = post(
        served,
        "GACC",
        record(served, NAME, "RT01", "refused 1", document="x"),
        record(served, NAME, "RT01", "refused 2"),
    )
    before = ok(gacc.get(f"/v1/submissions/{sent['submission']}"))
    assert [each["status"] for each in before["records"]] == ["queued", "queued"]
    served.settle()
    after = ok(gacc.get(f"/v1/submissions/{sent['submission']}"))
    assert [(each["reference"], each["status"]) for each in after["records"]] == [
        ("refused 1", "recorded"),
        ("refused 2", "recorded"),
    ]
    shown = ok(gacc.get(f"/v1/enterprises/{quote(NAME, safe='')}/record"))["records"]
    assert {each["record"] for each in after["records"]} <= {each["record"] for each in shown}
    first = ok(gacc.get(f"/v1/submissions/{sent['submission']}", params={"limit": 1}))
    rest = ok(gacc.get(f"/v1/submissions/{sent['submission']}", params={"limit": 1, "cursor": first["next"]}))
    assert first["records"] + rest["records"] == after["records"]
    assert rest["next"] is None


def test_leaves_hash_to_the_contracts_root(served: Served, audit: httpx.Client) -> None:
    served.settle()
    checkpoint = ok(audit.get("/v1/checkpoints/latest"))
    leaves = ok(audit.get("/v1/log/leaves", params={"limit": 1000}))
    assert leaves["size"] == len(leaves["leaves"]) == checkpoint["size"] == served.ledger.contracts.log_size()
    for each in leaves["leaves"]:
        assert each["hash"] == leaf_hash(leaf_data(each["enterprise"], bytes.fromhex(each["head"]))).hex()
        proof = ok(audit.get("/v1/log/inclusion", params={"leaf": each["index"], "size": checkpoint["size"]}))
        assert proof["root"] == checkpoint["root"]
        verify_inclusion(
            bytes.fromhex(each["hash"]),
            each["index"],
            proof["size"],
            [bytes.fromhex(one) for one in proof["proof"]],
            bytes.fromhex(checkpoint["root"]),
        )


def test_the_log_only_grows(served: Served, gacc: httpx.Client) -> None:
    served.settle()
    old = ok(gacc.get("/v1/checkpoints/latest"))
    post(served, "GACC", record(served, THIRD, "CU15", "certified 1"))
    served.settle()
    new = ok(gacc.get("/v1/checkpoints/latest"))
    assert new["size"] == old["size"] + 1
    proof = ok(gacc.get("/v1/log/consistency", params={"first": old["size"], "second": new["size"]}))
    hashes = [bytes.fromhex(each) for each in proof["proof"]]
    verify_consistency(
        old["size"], new["size"], hashes, bytes.fromhex(old["root"]), bytes.fromhex(new["root"])
    )


def test_the_latest_checkpoint_comes_signed_and_the_same_again(served: Served, audit: httpx.Client) -> None:
    post(served, "GACC", record(served, THIRD, "CU15", "certified for a note"))
    served.settle()
    found = ok(audit.get("/v1/checkpoints/latest"))
    key = operator_key(served.ledger).verifier
    note = parse_note(found["note"].encode())
    assert verify_note(note, [key])
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == (found["origin"], found["size"])
    assert checkpoint.root.hex() == found["root"]
    assert ok(audit.get("/v1/checkpoints/latest"))["note"] == found["note"]
    assert found["note"] in [str(each.note) for each in kept_checkpoints(served.ledger.settings.data_dir)]


def test_no_note_where_another_log_was_signed_before(served: Served, audit: httpx.Client) -> None:
    """A checkpoint of a larger log than there is: the size and root are told, and not signed."""
    made = kept_checkpoints(served.ledger.settings.data_dir)[-1]
    post(served, "GACC", record(served, THIRD, "CU15", "certified without a note"))
    served.settle()
    larger = made.path.with_name("999999999999-0000000000.checkpoint")
    text = made.checkpoint._replace(size=9_999_999).text()
    keep(Kept(larger, made.checkpoint, Note(text, (operator_key(served.ledger).sign(text),))))
    try:
        found = ok(audit.get("/v1/checkpoints/latest"))
        assert (found["size"], found["note"]) == (made.checkpoint.size + 1, None)
    finally:
        larger.unlink()


def test_leaves_in_pages(audit: httpx.Client) -> None:
    whole = ok(audit.get("/v1/log/leaves"))
    seen, at = [], 0
    while at is not None:
        page = ok(audit.get("/v1/log/leaves", params={"from": at, "limit": 2}))
        seen += page["leaves"]
        at = page["next"]
    assert seen == whole["leaves"]


def test_health_readiness_and_figures_need_no_key(served: Served) -> None:
    served.settle()
    with served.client(None) as client:
        assert ok(client.get("/healthz"))["status"] == "up"
        checks = {"chain", "clock", "index", "outbox", "undone", "vault"}
        assert set(ok(client.get("/readyz"))["checks"]) == checks
        figures = client.get("/metrics")
    assert figures.status_code == 200
    lines = figures.text.splitlines()
    assert f"credit_ledger_log_leaves {float(served.ledger.contracts.log_size())}" in lines
    assert "credit_ledger_outbox_records 0.0" in lines
    assert any('route="/v1/enterprises/{id}/score"' in line for line in lines)
    assert FIRST not in figures.text


def test_who_looked_is_told_to_the_enterprise(served: Served) -> None:
    with served.client("authority:STA") as sta:
        ok(sta.get(f"/v1/enterprises/{FIRST}/score"))
    with served.client(f"enterprise:{FIRST}") as own:
        page = ok(own.get(f"/v1/enterprises/{FIRST}/accesses", params={"limit": 2}))
        assert [(each["by"], each["what"]) for each in page["accesses"]] == [
            (f"enterprise:{FIRST}", "accesses"),
            ("authority:STA", "score"),
        ]
        older = ok(own.get(f"/v1/enterprises/{FIRST}/accesses", params={"cursor": page["next"]}))
        assert older["accesses"][0]["at"] <= page["accesses"][1]["at"]


def test_the_evidence_holds_without_the_ledger(served: Served, audit: httpx.Client) -> None:
    answer = audit.get(f"/v1/enterprises/{FIRST}/evidence")
    assert answer.status_code == 200, answer.text
    verdict = verify_evidence(answer.content)
    assert [each.party_key for each in verdict.subjects] == [FIRST]
    lean = audit.get(f"/v1/enterprises/{FIRST}/evidence", params={"documents": "false"})
    assert len(lean.content) < len(answer.content)
    verify_evidence(lean.content)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('{"a": [1, "\\u4e2d"]}', {"a": [1, "中"]}),
        ("{not JSON", "{not JSON"),
        ("[" * 200 + "]" * 200, "[" * 200 + "]" * 200),
        ("[" * 100_000 + "]" * 100_000, "[" * 100_000 + "]" * 100_000),
        ("[" * 300_000, "[" * 300_000),
        ('{"a":"\\ud800"}', '{"a":"\\ud800"}'),
        ('{"\\udfff":1}', '{"\\udfff":1}'),
        ('{"a":NaN}', '{"a":NaN}'),
        ("[1e999]", "[Infinity]"),
        ("[" + "9" * 400 + "]", "[" + "9" * 400 + "]"),
    ],
    ids=lambda each: repr(each)[:24],
)
def test_no_document_breaks_the_record(
    served: Served, gacc: httpx.Client, written: str, shown: object
) -> None:
    """A document is a text; what looks like JSON in it may be nothing that can be sent as JSON."""
    reference = f"odd {hashlib.sha256(written.encode()).hexdigest()[:12]}"
    post(served, "GACC", record(served, ODD, "CU07", reference, document=written))
    served.settle()
    items = ok(gacc.get(f"/v1/enterprises/{ODD}/record"))["records"]
    assert [each["document"] for each in items if each["reference"] == reference] == [shown]


def test_a_firm_without_identity_here_is_asked_for_by_its_number(served: Served) -> None:
    ledger = served.ledger
    served.settle()
    number = ledger.contracts.enterprise_count() + 1
    send(ledger, ledger.contracts.register(number, [b"\x5a" * 32]))  # by another registrar
    assert repair(ledger)["not_held"] == [f"identity not held: enterprise {number}"]
    where = f"/v1/enterprises/enterprise:{number}"
    for scope in ("authority:GACC", "audit"):
        with served.client(scope) as client:
            found = client.get(where).json()
            assert (found["id"], found["enterprise"], found["records"]) == (f"enterprise:{number}", number, 0)
            for each in ("record", "score", "objections", "accesses"):
                answer = client.get(f"{where}/{each}")
                assert (answer.status_code, answer.json()["id"]) == (200, f"enterprise:{number}"), each
            (subject,) = verify_evidence(client.get(f"{where}/evidence").content).subjects
            assert (subject.enterprise, subject.party_key) == (number, None)
            for other in (1, number + 1, 0, 10**17):  # held, or not there: it is not said which
                refused = client.get(f"/v1/enterprises/enterprise:{other}")
                assert refused.status_code == 404
                assert "not in the ledger, or is asked for by its identifier" in refused.json()["detail"]
    for scope, code in ((f"enterprise:{FIRST}", 403), ("authority:US-CPSC", 404)):
        with served.client(scope) as client:
            assert client.get(f"{where}/record").status_code == code


def test_an_encoded_slash_divides_no_address(served: Served) -> None:
    with served.client("audit") as client:
        for slash, last in (("%2F", "score"), ("%2f", "record")):
            answer = client.get(f"/v1/enterprises/name:CN:Slash%20Firm{slash}{last}")
            assert answer.status_code == 404
            assert f"name:CN:SLASHFIRM{last.upper()} is not in the ledger" in answer.text


def test_what_was_taken_back_is_no_readiness(served: Served) -> None:
    """Said in fixed words, with its number: which authority it is about is not for strangers."""
    database = served.ledger.db
    deed = Deed("SuspensionSet authority=2 suspended=True", "SuspensionSet: STA", 2, True, 9, 0)
    with database.write_vault() as vault:
        undone.keep(vault, 0, 1 << 40, [deed])
        undone.taken(vault)
    try:
        with served.client(None) as client:
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert "1 acts and calls were taken back and are to be done again" in answer.text
            assert "STA" not in answer.text
    finally:
        (left,) = undone.still_open(database, served.ledger.contracts)
        undone.give_up(database, [left.id], "a test")
    with served.client(None) as client:
        assert ok(client.get("/readyz"))["checks"]["undone"] == "nothing"
