"""What the audit must not pass over: each attack by the real keys and databases of an installation.

The attacker has the data folder: every key in it, the vault, the index, what the operator kept. He posts through
the contracts themselves, past every check of this software, or changes rows where they lie.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from workflows_office import deployed, office  # noqa: F401  fixtures
from workflows_rows import ALPHA, BETA, record_line, records_file

from ledger.chain.abi import event_topics, selector
from ledger.chain.contracts import batch_digest
from ledger.chain.keystore import authority_key
from ledger.chain.rpc import HttpNode
from ledger.crypto.checkpoints import parse_checkpoint
from ledger.crypto.hashing import sha256
from ledger.crypto.notes import Note
from ledger.crypto.typed_data import signed_batch
from ledger.domain.calendar import iso
from ledger.domain.catalogue import load_catalogue
from ledger.domain.records import Record, pack_run
from ledger.errors import ChainRefused
from ledger.outbox.documents import erase_document
from ledger.store import vault as kept
from ledger.workflows.assessing import assess
from ledger.workflows.audit_kept import kept_checkpoints_of
from ledger.workflows.audit_outbox import PATIENCE
from ledger.workflows.audit_progress import Progress
from ledger.workflows.auditing import audit
from ledger.workflows.checkpoints import make_checkpoint, operator_key
from ledger.workflows.governing import declare_compromised, set_four_eyes
from ledger.workflows.importing import import_file
from ledger.workflows.linking import link
from ledger.workflows.objecting import answer_objection, open_objection
from ledger.workflows.sending import present, send

if TYPE_CHECKING:
    from ledger.audit.report import Report
    from ledger.bootstrap import Ledger

LINKS = 1 << 248 | 1 << 249


@pytest.fixture
def ledger(office: Ledger, tmp_path: Path) -> Ledger:  # noqa: F811
    """Two firms with three records, and a checkpoint over them."""
    lines = (
        record_line("R1", type="CU04"),
        record_line("R2", type="CU06"),
        record_line("R3", type="CU04", party=BETA),
    )
    import_file(office, records_file(tmp_path / "rows.csv", *lines), "records", office.authorities["GACC"])
    office.follower.catch_up()
    make_checkpoint(office)
    assert audited(office).verdict == "holds"
    return office


def audited(ledger: Ledger, **options: Any) -> Report:
    """The audit as the command makes it."""
    ledger.follower.catch_up()
    found = kept_checkpoints_of(ledger)
    heads = [(each.size, each.root) for each in found.checkpoints]
    return audit(ledger, checkpoints=heads, statements=found.checkpoints, beside=found.found, **options)


def deviations(ledger: Ledger, **options: Any) -> list[tuple[str, str]]:
    report = audited(ledger, **options)
    assert report.verdict == ("deviates" if report.deviations else report.verdict)
    return [(each.what, each.where) for each in report.deviations]


def unchecked(ledger: Ledger, **options: Any) -> list[tuple[str, str]]:
    """What could not be checked where nothing deviates: exit 4."""
    report = audited(ledger, **options)
    assert report.verdict == "not checked", report.to_text()
    return [(each.what, each.where) for each in report.not_checked]


def post(ledger: Ledger, code: str, *records: Record) -> None:
    """Post a batch with an authority's own key, past all checks of this software."""
    authority = ledger.authorities[code].number
    first, name = ledger.contracts.record_count(authority) + 1, authority_key(code)
    data, deadline = pack_run(sorted(records, key=lambda each: each.enterprise)), present(ledger) + 3600
    batch = signed_batch(code, first, data, deadline, ledger.contracts.signature_epoch(authority))
    signature = ledger.keystore.sign_batch(name, batch_digest(ledger.deployment, batch))
    key = ledger.keystore.address(name)
    send(ledger, ledger.contracts.record_signed(authority, first, deadline, key, data, signature))


def record(ledger: Ledger, type_: str, enterprise: int = 1, ref: int = 0, **changed: Any) -> Record:
    kind, today = ledger.catalogue.by_code[type_], ledger.today()
    made = Record(enterprise, kind.number, kind.severity, today - 9, today - 3, ref, sha256(type_.encode()))
    return made._replace(**changed)


def change(ledger: Ledger, *statements: Any) -> None:
    """Change the vault where it lies."""
    with ledger.db.write_vault() as vault:
        for each in statements:
            vault.execute(each)


# ---------------------------------------------------------------- severity, the writer's word


def test_a_client_with_its_own_catalogue_writes_a_serious_matter_down_as_a_minor_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    honest = load_catalogue()
    lowered = honest.by_code["CU01"]._replace(severity=1)
    types = tuple(lowered if each.code == "CU01" else each for each in honest.types)
    own = dataclasses.replace(
        honest,
        types=types,
        by_code=honest.by_code | {"CU01": lowered},
        by_number=honest.by_number | {1: lowered},
    )
    path = records_file(tmp_path / "low.csv", record_line("LOW", type="CU01"))
    import_file(dataclasses.replace(ledger, catalogue=own), path, "records", ledger.authorities["GACC"])
    assert ("severity not the catalogue's", "record GACC-4") in [
        (what, where.rpartition(", ")[2]) for what, where in deviations(ledger)
    ]


def test_a_minor_matter_is_written_down_as_a_serious_one_with_the_key_itself(ledger: Ledger) -> None:
    post(ledger, "GACC", record(ledger, "CU04", severity=3))
    assert ("severity not the catalogue's", "record GACC-4") in [
        (what, where.rpartition(", ")[2]) for what, where in deviations(ledger)
    ]


# ---------------------------------------------------------------- links without their mirrors


def test_the_mirror_of_a_link_is_revoked_alone(ledger: Ledger, tmp_path: Path) -> None:
    path = records_file(tmp_path / "name.csv", record_line("N", type="FR01", party="name:CN:Bad Name Ltd"))
    import_file(ledger, path, "records", ledger.authorities["US-CPSC"])
    link(ledger, ledger.authorities["SAMR"], "name:CN:Bad Name Ltd", ALPHA, "same")
    assert deviations(ledger) == []
    mirror = ledger.authorities["SAMR"].number << 48 | 1
    with ledger.db.read_vault() as vault:
        row = vault.execute(select(kept.commands).where(kept.commands.c.type == 249)).one()
    mirror = row.authority << 48 | row.number
    post(ledger, "SAMR", record(ledger, "LC02", row.enterprise, mirror, decided_on=ledger.today()))
    assert "link revoked without its mirror" in [what for what, _ in deviations(ledger)]


@pytest.mark.parametrize("type_", ["LK01", "LK02"])
def test_one_side_of_a_link_is_posted_with_the_key_itself(ledger: Ledger, type_: str) -> None:
    try:
        post(ledger, "SAMR", record(ledger, type_, 1, 2))
    except ChainRefused as refused:
        assert "Link" in str(refused) or "Mirror" in str(refused) or "Pair" in str(refused)  # noqa: PT017
        return
    expected = {"LK01": "link without its mirror", "LK02": "mirror without its link"}[type_]
    assert expected in [what for what, _ in deviations(ledger)]


# ---------------------------------------------------------------- answers


def test_an_answer_by_a_key_found_compromised_is_for_review(ledger: Ledger) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, "rejected", "It was not.")
    key = ledger.keystore.address(authority_key("GACC"))
    declare_compromised(ledger, "GACC", key, int(time.time()) - 3600)
    report = audited(ledger)
    assert ("answered by a compromised key", "objection 1") in [
        (each.what, each.where.rpartition(", ")[2]) for each in report.review
    ]
    assert "answered by a compromised key" in report.to_text()


@pytest.mark.parametrize("outcome", ["upheld", "partly upheld"])
def test_an_answer_upheld_and_never_carried_out(ledger: Ledger, tmp_path: Path, outcome: str) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, outcome, "So it was.")
    where = "objection 1, to record GACC-1"
    assert unchecked(ledger) == [("answer upheld and not carried out", where)]
    # A decision from before the objection answers nothing, however late it is posted.
    early = record_line("C", type="LC02", refers_to="R1")
    import_file(ledger, records_file(tmp_path / "c.csv", early), "records", ledger.authorities["GACC"])
    assert unchecked(ledger) == [("answer upheld and not carried out", where)]
    today = iso(ledger.today())
    row = record_line("D", type="LC01", refers_to="R1", conduct_on=today, decided_on=today)
    import_file(ledger, records_file(tmp_path / "d.csv", row), "records", ledger.authorities["GACC"])
    assert audited(ledger).verdict == "holds"


@pytest.mark.parametrize("which", ["statement of objection 1", "answer to objection 1"])
def test_a_statement_is_lost_from_the_vault(ledger: Ledger, which: str) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    answer_objection(ledger, 1, "rejected", "It was not.")
    with ledger.db.read_vault() as vault:
        rows = vault.scalars(select(kept.statements.c.commitment)).all()
    from ledger.store.index import objections

    with ledger.db.read_index() as index:
        grounds = index.scalar(select(objections.c.grounds))
    (answer,) = set(rows) - {grounds}
    lost = grounds if which.startswith("statement") else answer
    change(ledger, delete(kept.statements).where(kept.statements.c.commitment == lost))
    assert unchecked(ledger) == [("statement not held", which)]


def test_a_statement_is_marked_erased_or_another_is_put_in_its_place(ledger: Ledger) -> None:
    open_objection(ledger, "GACC-1", "It was declared.")
    with ledger.db.read_vault() as vault:
        row = vault.execute(select(kept.statements)).one()
    change(ledger, update(kept.statements).values(wrapped_key=None))
    assert unchecked(ledger) == [("erased", "statement of objection 1")]
    change(ledger, update(kept.statements).values(wrapped_key=row.wrapped_key, sealed=row.sealed[:-1] + b"?"))
    assert deviations(ledger) == [("statement does not open", "statement of objection 1")]


# ---------------------------------------------------------------- the outbox


def accept_only(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *lines: str) -> None:
    """Accept rows (202) and let nothing reach the chain."""
    from ledger.outbox.sender import Sender

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "drain", lambda *_, **__: 0)
        import_file(
            ledger, records_file(tmp_path / "more.csv", *lines), "records", ledger.authorities["GACC"]
        )


def test_an_accepted_row_is_deleted_before_it_reached_the_chain(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"), record_line("R5", type="CU04"))
    assert audited(ledger).verdict == "holds"
    commands, documents = kept.commands, kept.documents
    change(ledger, delete(commands).where(commands.c.seq == 4), delete(documents).where(documents.c.seq == 4))
    ((what, where),) = deviations(ledger)
    assert what == "accepted rows are gone"
    assert where.startswith("outbox, submission ")


def test_an_accepted_submission_is_deleted_as_a_whole(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for reference in ("R4", "R5"):
        accept_only(ledger, monkeypatch, tmp_path, record_line(reference, type="CU04"))
    change(
        ledger,
        delete(kept.commands).where(kept.commands.c.seq == 4),
        delete(kept.submissions).where(kept.submissions.c.first_seq == 4),
    )
    assert deviations(ledger) == [("accepted rows are gone", "outbox")]


def test_an_accepted_row_is_withheld_from_the_chain(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"), record_line("R5", type="CU04"))
    later = time.time() + PATIENCE
    assert deviations(ledger, clock=lambda: later - 60) == []
    ((what, where),) = deviations(ledger, clock=lambda: later + 60)
    assert what == "accepted and not recorded"
    assert where == "outbox, GACC: 2 rows, the first with the reference 'R4'"


def test_what_is_numbered_and_never_sent_is_withheld_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept_only(ledger, monkeypatch, tmp_path, record_line("R4", type="CU04"))
    change(ledger, update(kept.commands).where(kept.commands.c.seq == 4).values(number=4))
    later = time.time() + PATIENCE + 60
    assert [what for what, _ in deviations(ledger, clock=lambda: later)] == ["accepted and not recorded"]
    set_four_eyes(ledger, "GACC", True)
    report = audited(ledger, clock=lambda: later)
    assert [each.what for each in report.review] == ["accepted and not recorded"]


def test_the_outboxs_copy_of_a_recorded_batch_is_changed_or_lost(ledger: Ledger) -> None:
    with ledger.db.read_vault() as vault:
        records = vault.scalar(select(kept.batches.c.records))
    assert records is not None
    change(ledger, update(kept.batches).values(records=records[:-1] + bytes([records[-1] ^ 1])))
    assert deviations(ledger) == [("outbox batch differs", "outbox, batch records GACC-1..3, its record 3")]
    change(ledger, delete(kept.batches))
    assert deviations(ledger) == [("outbox batch missing", "outbox, batch records GACC-1..3")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("severity", 3), ("type", 1), ("decided_on", 20_000), ("enterprise", 2), ("commitment", bytes(32))],
)
def test_a_row_of_the_outbox_says_something_else_than_was_recorded(
    ledger: Ledger, column: str, value: Any
) -> None:
    change(ledger, update(kept.commands).where(kept.commands.c.seq == 1).values({column: value}))
    assert ("outbox row differs", f"outbox, record GACC-1, {column}") in deviations(ledger)


# ---------------------------------------------------------------- documents


def test_one_null_marks_every_document_erased(ledger: Ledger) -> None:
    change(ledger, update(kept.documents).values(wrapped_key=None))
    names = [f"document of record GACC-{number}" for number in (1, 2, 3)]
    assert unchecked(ledger) == [("erased", name) for name in names]


def test_one_document_is_erased_by_the_verb(ledger: Ledger) -> None:
    with ledger.db.write_vault() as vault:
        erase_document(vault, ledger.authorities["GACC"].number, 2)
    assert unchecked(ledger) == [("erased", "document of record GACC-2")]
    assert "not checked: erased: document of record GACC-2" in audited(ledger).to_text()


# ---------------------------------------------------------------- one's own folder: checkpoints


def checkpoint_file(ledger: Ledger) -> Path:
    (file,) = (ledger.settings.data_dir / "checkpoints").glob("*.checkpoint")
    return file


def test_every_checkpoint_is_gone(ledger: Ledger) -> None:
    checkpoint_file(ledger).unlink()
    lost = ("kept checkpoints", str(ledger.settings.data_dir))
    assert unchecked(ledger) == [lost, ("the log against a checkpoint", "log of 2 leaves")]
    assert "no checkpoint was given or kept" in audited(ledger).to_text()
    assert "and this ledger has signed some" in audited(ledger).to_text()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[:40],
        lambda _: b"\xff\xfe\x00 nonsense \n\n",
        lambda data: data.replace(b"\n\n", b"\n"),
    ],
    ids=["empty", "cut", "binary", "no signature"],
)
def test_a_kept_checkpoint_is_damaged(ledger: Ledger, damage: Any) -> None:
    file = checkpoint_file(ledger)
    file.write_bytes(damage(file.read_bytes()))
    found = unchecked(ledger)
    assert ("kept checkpoint", str(file)) in found


def test_a_kept_checkpoint_is_a_folder_or_cannot_be_read(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    file.unlink()
    file.mkdir()
    assert ("kept checkpoint", str(file)) in unchecked(ledger)


def test_a_checkpoint_without_the_operators_signature_is_left_in_the_folder(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text, _, lines = file.read_text().partition("\n\n")
    name, rest = lines.split(" ", 2)[1:]
    file.write_text(f"{text}\n\n\u2014 {name}x {rest}")
    assert unchecked(ledger) == [("kept checkpoint", str(file))]


def test_a_checkpoint_of_a_second_ledger_under_the_same_key(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text = file.read_text()
    origin = parse_checkpoint(text.partition("\n\n")[0] + "\n").origin
    other = origin[:-1] + ("0" if origin[-1] != "0" else "1")
    file.with_name("other.checkpoint").write_text(text.replace(origin, other))
    ((what, where),) = deviations(ledger)
    assert what == "two ledgers under one key"
    assert where.endswith("other.checkpoint")


LINES = ["block", "heads", "authorities", "objections", "assessments", "size"]


@pytest.mark.parametrize("line", LINES)
def test_the_operator_signed_something_else_than_the_chain_says(ledger: Ledger, line: str) -> None:
    """A checkpoint under the operator's own signature, one line of which is not the ledger's."""
    file = checkpoint_file(ledger)
    text = file.read_text().partition("\n\n")[0] + "\n"
    said = parse_checkpoint(text)
    if line == "size":
        forged = said._replace(size=1).text()
    else:
        (old,) = (each for each in text.split("\n") if each.startswith(line + " "))
        words = old.split(" ")
        words[2 if line == "block" else -1] = "ab" * 32
        forged = text.replace(old, " ".join(words))
    file.write_text(str(Note(forged, (operator_key(ledger).sign(forged),))))
    number = said.statement.block.number if said.statement else 0
    where = "log of size 1" if line == "size" else f"checkpoint of block {number}, {line}"
    assert deviations(ledger) == [("checkpoint differs", where)]


def test_two_checkpoints_of_one_block_say_two_things(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text = file.read_text().partition("\n\n")[0] + "\n"
    said = parse_checkpoint(text)
    assert said.statement
    root = said.statement.assessments._replace(root=bytes(32))
    forged = said._replace(statement=said.statement._replace(assessments=root)).text()
    note = Note(forged, (operator_key(ledger).sign(forged),))
    file.with_name("zz.checkpoint").write_text(str(note))
    assert "checkpoints of two histories" in [what for what, _ in deviations(ledger)]


def test_a_checkpoint_of_a_block_that_the_chain_has_not(ledger: Ledger) -> None:
    file = checkpoint_file(ledger)
    text = file.read_text().partition("\n\n")[0] + "\n"
    said = parse_checkpoint(text)
    assert said.statement
    later = said.statement.block._replace(number=10_000)
    forged = said._replace(statement=said.statement._replace(block=later)).text()
    file.write_text(str(Note(forged, (operator_key(ledger).sign(forged),))))
    assert deviations(ledger) == [("chain shorter than a checkpoint", "checkpoint of block 10000")]


# ---------------------------------------------------------------- one's own folder: the state of an earlier audit


def test_a_state_with_a_right_digest_is_made_up(ledger: Ledger) -> None:
    """Whoever writes the folder may write the state: what it covers is not checked, and is said not to be."""
    folder = ledger.settings.data_dir
    progress = Progress(folder, ledger.deployment)
    audited(ledger, progress=progress)
    file = folder / "audit" / "progress"
    content = json.loads(file.read_bytes().partition(b"\n")[2])
    content["counts"]["documents"] = 10**9
    made = json.dumps(content).encode()
    file.write_bytes(sha256(made).hex().encode() + b"\n" + made)
    last = int(ledger.node.request("eth_blockNumber"), 16)
    where = f"blocks {ledger.deployment.block} to {last}"
    assert unchecked(ledger, progress=progress, resume=True) == [
        ("statements of checkpoints", "1 kept checkpoints"),
        ("an earlier part of the chain", where),
    ]
    assert audited(ledger, progress=progress).verdict == "holds"


@pytest.mark.parametrize(
    "content",
    [b"[1]", b"not json", b"[" * 100_000, b'{"form": 2}'],
    ids=["a list", "no JSON", "too deep", "too little"],
)
def test_a_state_that_makes_no_sense_is_not_taken_up(ledger: Ledger, content: bytes) -> None:
    folder = ledger.settings.data_dir
    progress = Progress(folder, ledger.deployment)
    (folder / "audit").mkdir(exist_ok=True)
    (folder / "audit" / "progress").write_bytes(sha256(content).hex().encode() + b"\n" + content)
    report = audited(ledger, progress=progress, resume=True)
    assert report.verdict == "holds"
    assert "not taken up from an earlier audit" in report.scope


# ---------------------------------------------------------------- a second node


class Fool:
    """Another node, which answers one method with something else, or everything."""

    where = "a node that talks nonsense"

    def __init__(self, node: Any, answer: Any, method: str = "") -> None:
        self._node, self._answer, self._method = node, answer, method

    def request(self, method: str, *params: object) -> Any:
        if self._method in {"", method}:
            return self._answer
        return self._node.request(method, *params)

    def requests(self, calls: Any) -> list[Any]:
        return [self.request(*each) for each in calls]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("method", ["", "eth_chainId", "eth_getBlockByNumber", "eth_getLogs"])
@pytest.mark.parametrize("answer", ["nonsense", [], {}, 7, ["a"], [{"topics": 1}]], ids=repr)
def test_a_second_node_answers_nonsense(ledger: Ledger, answer: Any, method: str) -> None:
    report = audited(ledger, nodes=[Fool(ledger.node, answer, method)])
    assert report.verdict != "holds", report.to_text()
    named = [each.where for each in (*report.not_checked, *report.deviations)]
    assert all(each.startswith("a node that talks nonsense") for each in named)


def test_a_second_node_does_not_answer(ledger: Ledger) -> None:
    found = unchecked(ledger, nodes=[HttpNode("http://127.0.0.1:9")])
    assert {what for what, _ in found} == {"another node"}


# ---------------------------------------------------------------- the index


def test_the_index_has_not_followed(ledger: Ledger, tmp_path: Path) -> None:
    path = records_file(tmp_path / "more.csv", record_line("R4", type="CU04"))
    import_file(ledger, path, "records", ledger.authorities["GACC"])
    report = audit(
        ledger, checkpoints=[(each.size, each.root) for each in kept_checkpoints_of(ledger).checkpoints]
    )
    assert report.verdict == "not checked"
    assert [each.what for each in report.not_checked] == ["the index"]


# ---------------------------------------------------------------- who may govern

EVERYBODY = 2**64 - 1


def govern(ledger: Ledger, function: str, *arguments: Any) -> None:
    """Call the access manager with the governor's key, which has ADMIN unless a keeper has."""
    send(ledger, ledger.contracts.call("AccessManager", function, *arguments), "governor")


def tried(ledger: Ledger, function: str, *arguments: Any) -> bool:
    """Whether the contracts let the act happen at all; where they do not, there is nothing to find."""
    try:
        govern(ledger, function, *arguments)
    except ChainRefused as refused:
        assert "Unauthorized" in str(refused)  # noqa: PT017
        return False
    return True


STRANGER = "0x" + "77" * 20
ACTS = {
    "ADMIN for a stranger": ("grantRole", 0, STRANGER, 0),
    "a new role": ("grantRole", 9, STRANGER, 0),
    "GOVERNOR without a delay of its own": ("grantRole", 1, STRANGER, 3600),
    "setKey for everybody": ("setTargetFunctionRole", "Authorities", ["setKey"], EVERYBODY),
    "register for everybody": ("setTargetFunctionRole", "CreditLedger", ["register"], EVERYBODY),
    "publish for the registrar": ("setTargetFunctionRole", "ScoreBook", ["publish"], 2),
    "another guardian": ("setRoleGuardian", 1, 2),
    "another who grants": ("setRoleAdmin", 2, 3),
    "a closed contract": ("setTargetClosed", "CreditLedger", True),
    "a delay on grants": ("setGrantDelay", 2, 86_400 * 30),
    "a delay on a contract": ("setTargetAdminDelay", "ScoreBook", 86_400 * 30),
    "another manager": ("updateAuthority", "ScoreBook", None),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_who_may_govern_is_changed(ledger: Ledger, act: tuple[Any, ...]) -> None:
    function, *arguments = act
    if isinstance(arguments[0], str):
        contract = arguments[0]
        arguments[0] = ledger.contracts.address(contract)
        if function == "setTargetFunctionRole":
            arguments[1] = [selector(contract, each) for each in arguments[1]]
        elif function == "updateAuthority":
            arguments[1] = ledger.contracts.address("Authorities")
    if tried(ledger, function, *arguments):
        found = deviations(ledger)
        assert "rights of another" in [what for what, _ in found], found
        assert all("access manager" in where for what, where in found if what == "rights of another")


def test_a_mapping_opened_and_closed_again_is_named_for_good(ledger: Ledger) -> None:
    target, needed = ledger.contracts.address("CreditLedger"), [selector("CreditLedger", "register")]
    if tried(ledger, "setTargetFunctionRole", target, needed, EVERYBODY):
        govern(ledger, "setTargetFunctionRole", target, needed, 2)
        ((what, where),) = deviations(ledger)
        assert (what, where.partition("access manager, ")[2]) == (
            "rights of another",
            f"function 0x{needed[0].hex()} of {target.lower()}",
        )


def test_an_admin_who_came_and_went_is_named_for_good(ledger: Ledger) -> None:
    if tried(ledger, "grantRole", 0, STRANGER, 0):
        govern(ledger, "revokeRole", 0, STRANGER)
        assert [what for what, _ in deviations(ledger)] == ["rights of another"]


def test_the_report_says_who_may_govern(ledger: Ledger) -> None:
    report = audited(ledger)
    said = "\n".join(report.members)
    for name, key in (("GOVERNOR", "governor"), ("REGISTRAR", "operator"), ("GUARDIAN", "guardian")):
        assert f"{name}: " in said
        assert ledger.keystore.address(key).lower() in said
    assert ledger.keystore.address("deployer").lower() not in said
    assert "Who may govern" in report.to_text()
    assert report.checked["role_changes"] > 10


def test_a_node_that_hides_an_event_of_the_access_manager(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay then lacks a member, and the contract's own answer does not."""
    from ledger.chain import logs

    honest = logs.get_logs
    topic = "0x" + event_topics("AccessManager")["RoleGranted"].hex()

    def hiding(*arguments: Any) -> Any:
        return (
            raw
            for raw in honest(*arguments)
            if raw["topics"][0] != topic or not raw["topics"][1].endswith("3")
        )

    monkeypatch.setattr(logs, "get_logs", hiding)
    operator = ledger.keystore.address("operator").lower()
    assert [each for each in deviations(ledger) if each[0] == "contract state differs"] == [
        (
            "contract state differs",
            f"contract at block {block(ledger)}, access manager, hasRole(3, {operator})",
        )
    ]


# ---------------------------------------------------------------- assessments


def publish(ledger: Ledger, **changed: Any) -> None:
    """Publish an assessment by the operator's key, with what is changed of an honest one over no scores."""
    from ledger.index.follower import read_cursor
    from ledger.index.queries import counts, heads_root

    with ledger.db.read_index() as index:
        cursor = read_cursor(index)
        assert cursor
        made = {
            "epoch": ledger.contracts.epoch_count() + 1,
            "card": ledger.cards[0].hash,
            "as_of": ledger.today(),
            "root": sha256(b"nothing"),
            "count": 1,
            "block": cursor.number,
            "log_size": counts(index).runs,
            "heads_root": heads_root(index),
        }
    send(ledger, ledger.contracts.publish(**{**made, **changed}))


def published(ledger: Ledger) -> dict[str, Any]:
    """What an honest run published."""
    from ledger.store.index import assessments

    with ledger.db.read_index() as index:
        row = index.execute(select(assessments)).mappings().one()
    return {name: row[name] for name in ("card", "as_of", "root", "count", "block", "log_size", "heads_root")}


def test_a_made_up_assessment_is_published_by_the_operators_key(ledger: Ledger) -> None:
    assess(ledger)
    publish(ledger, root=sha256(b"a lie"), count=1_000_000_000)
    found = deviations(ledger)
    assert {what for what, _ in found} == {"assessment of other enterprises", "score root not reproduced"}
    assert all("assessment 2" in where for _, where in found)
    # What the office publishes honestly afterwards is still computed anew, and holds.
    import_one(ledger)
    assess(ledger)
    assert {where.rpartition(" ")[2] for _, where in deviations(ledger)} == {"2"}


def import_one(ledger: Ledger) -> None:
    path = records_file(ledger.settings.data_dir / "one.csv", record_line("ONE", type="CU06", party=BETA))
    import_file(ledger, path, "records", ledger.authorities["GACC"])


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"heads_root": bytes(range(32))}, "heads root not reproduced"),
        ({"log_size": 1}, "assessment of another log"),
        ({"log_size": 3}, "assessment of another log"),
    ],
)
def test_an_assessment_says_it_was_made_from_other_records(
    ledger: Ledger, changed: dict[str, Any], what: str
) -> None:
    """The scores are right, what they are said to be made from is not."""
    from ledger.index.queries import stream_posted
    from ledger.scoring.roots import Scored, score_root
    from ledger.scoring.score import Scorer

    scorer = Scorer(ledger.cards[0], ledger.today())
    with ledger.db.read_index() as index:
        scores = [(number, scorer.score(posted)) for number, posted in stream_posted(index)]
    leaves = [Scored(number, each.milli, each.grade) for number, each in scores]
    try:
        publish(ledger, root=score_root(leaves), count=len(leaves), **changed)
    except ChainRefused:
        return
    assert what in [each for each, _ in deviations(ledger)]


def test_the_vaults_row_of_an_assessment_is_deleted(ledger: Ledger) -> None:
    assess(ledger)
    change(ledger, delete(kept.assessments), delete(kept.scores))
    assert unchecked(ledger) == [("assessment not held", "assessment 1")]
    assert audited(ledger).checked["scores_recomputed"] == 2


def test_a_made_up_assessment_hides_behind_a_deleted_row(ledger: Ledger) -> None:
    publish(ledger)
    change(ledger, delete(kept.assessments), delete(kept.scores))
    assert "score root not reproduced" in [what for what, _ in deviations(ledger)]


@pytest.mark.parametrize(
    "changed", [{"log_size": 1}, {"as_of": 20_000}, {"count": 9}, {"root": bytes(32)}, {"block": 1}], ids=str
)
def test_the_vaults_row_of_an_assessment_says_something_else(ledger: Ledger, changed: dict[str, Any]) -> None:
    assess(ledger)
    change(ledger, update(kept.assessments).values(**changed))
    (name,) = changed
    assert ("assessment differs in the vault", f"assessment 1, {name}") in deviations(ledger)


def test_an_assessment_is_made_with_a_card_that_nobody_has(ledger: Ledger) -> None:
    assess(ledger)
    found = unchecked(dataclasses.replace(ledger, cards=()))
    assert [(what, where.rpartition(", ")[2]) for what, where in found] == [("assessment", "assessment 1")]


def test_a_card_is_used_whose_successor_is_in_force(ledger: Ledger) -> None:
    """The contract refuses it; the replay names it all the same where a contract would not."""
    card, day = sha256(b"a harsher card"), ledger.today()
    send(ledger, ledger.contracts.register_card(card, day), "governor")
    with pytest.raises(ChainRefused):
        publish(ledger)
    publish(ledger, card=card)
    assert [each.what for each in audited(ledger).not_checked if each.what == "assessment"] == ["assessment"]


def block(ledger: Ledger) -> int:
    return int(ledger.node.request("eth_blockNumber"), 16)


# ---------------------------------------------------------------- what somebody else put on the chain


def test_a_firm_that_somebody_else_numbered_is_not_held(ledger: Ledger) -> None:
    """Before a repair it is a deviation: nobody here knows who it is. After it, a line of its own."""
    from ledger.workflows.repairing import repair

    number = ledger.contracts.enterprise_count() + 1
    send(ledger, ledger.contracts.register(number, [sha256(b"a stranger's firm")]))
    assert deviations(ledger) == [("identity missing", f"identity of enterprise {number}")]
    repair(ledger)
    assert unchecked(ledger) == [("identity not held", f"enterprise {number}")]


def test_records_that_somebody_else_wrote_are_not_held(ledger: Ledger) -> None:
    from ledger.workflows.repairing import repair

    post(ledger, "GACC", record(ledger, "CU04"), record(ledger, "CU06"))
    assert {what for what, _ in deviations(ledger)} == {"outbox batch missing", "document missing"}
    repair(ledger)
    assert unchecked(ledger) == [("document not held", "GACC-4 to GACC-5")]


def test_one_firm_is_registered_twice_under_one_commitment(ledger: Ledger) -> None:
    with ledger.db.read_vault() as vault:
        commitment = vault.scalar(
            select(kept.identities.c.commitment).where(kept.identities.c.enterprise == 1)
        )
    number = ledger.contracts.enterprise_count() + 1
    try:
        send(ledger, ledger.contracts.register(number, [commitment]))
    except ChainRefused:
        return
    assert ("commitment registered twice", f"enterprise {number}") in deviations(ledger)
