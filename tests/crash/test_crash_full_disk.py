"""A disk that takes no more writes: every verb says so in a sentence, reading goes on, and so does work later.

A small disk of its own where this user may mount one; a limit on how long files may grow, which refuses every
write as well, runs everywhere. `read-only` is the same disk, mounted for reading.
"""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

import httpx
from installation import Installation, write_records
from nodes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRM = "9144030071526726XG"
SIZE = "24m"


def row(reference: str) -> dict[str, str]:
    return {
        "party": FIRM,
        "type": "CU04",
        "decided_on": "2026-05-04",
        "reference": reference,
        "document": "x" * 900,
    }


def may_mount() -> bool:
    """Whether this user may have a disk of his own here."""
    with contextlib.suppress(OSError):
        probe = Path("/tmp").resolve() / f"credit-ledger-mount-{time.time_ns()}"
        probe.mkdir()
        try:
            if _system("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(probe)) == 0:
                return _system("umount", str(probe)) == 0
        finally:
            probe.rmdir()
    return False


def _system(*command: str) -> int:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return 1


DISKS = ["limit", *(["full", "read-only"] if may_mount() else [])]


class Disk:
    """Where an installation lies; it refuses writes while `refusing`, by this process and another."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder

    @contextlib.contextmanager
    def refusing(self, process: subprocess.Popen[str] | None = None) -> Iterator[None]:
        if self.kind == "full":
            ballast = self.folder / "ballast"
            with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"x" * 4096):
                    pass
            yield
            ballast.unlink()
        elif self.kind == "read-only":
            # Lazily refused by a busy disk; then nothing was to be seen.
            assert _system("mount", "-o", "remount,ro", str(self.folder)) == 0
            yield
            assert _system("mount", "-o", "remount,rw", str(self.folder)) == 0
        else:
            limited = [0, *([process.pid] if process else [])]
            before = {each: resource.prlimit(each, resource.RLIMIT_FSIZE) for each in limited}
            for each, (_, hard) in before.items():
                resource.prlimit(each, resource.RLIMIT_FSIZE, (0, hard))
            try:
                yield
            finally:
                for each, limits in before.items():
                    resource.prlimit(each, resource.RLIMIT_FSIZE, limits)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with one record, copied for each test."""
    place = Installation(tmp_path_factory.mktemp("template") / "data")
    rows = write_records(place.folder.parent / "rows.csv", [row("GZ-1")])
    place.here("import", rows, "--format", "records", "--authority", "GACC")
    place.here("checkpoint")
    return place.folder


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path, template: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    made = Disk(request.param, folder)
    if made.kind != "limit":
        assert _system("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)) == 0
    try:
        shutil.copytree(template, folder / "data")
        yield made
    finally:
        if made.kind != "limit":
            _system("umount", str(folder))


@pytest.mark.parametrize("disk", DISKS, indirect=True)
def test_verbs_read_on_and_what_writes_is_refused_in_a_sentence(disk: Disk, tmp_path: Path) -> None:
    place = Installation(disk.folder / "data")
    more = write_records(tmp_path / "more.csv", [row(f"GZ-{number}") for number in range(2, 9)])
    evidence = tmp_path / "evidence.json"
    place.here("prove", FIRM, "-o", evidence)
    importing = ("import", more, "--format", "records", "--authority", "GACC")
    writing = [
        importing,
        ("key", "create", "--scope", "audit"),
        ("rebuild",),
        ("prove", FIRM, "-o", disk.folder / "evidence.json"),
        ("backup", disk.folder / "backup"),
        ("objection", "open", "GACC-1", "--statement", "not ours"),
        ("objection", "new-key", disk.folder / "k.json", "--passphrase-file", place.folder / "passphrase"),
    ]
    before = place.here("score", FIRM, "--json").stdout
    with disk.refusing():
        read = {verb: place.here(verb, FIRM, "--json") for verb in ("score", "record")}
        for verb in ("status", "audit"):
            place.here(verb, code=0)
        refused = [place.here(*each, code=None) for each in writing]
    assert read["score"].stdout == before
    assert len(json.loads(read["record"].stdout)["records"]) == 1
    for each in refused:
        assert (each.returncode, each.stdout) == (1, ""), each
        assert each.stderr.startswith("error: "), each
        assert any(part in each.stderr for part in ("disk", "writes", "space", "large", "ead-only")), each
    assert not any((disk.folder / name).exists() for name in ("evidence.json", "k.json"))
    assert not list((disk.folder / "backup").glob("*"))  # no part of one, if there was room for the folder
    place.here(*importing)
    place.here("backup", disk.folder / "backup")
    assert json.loads(place.here("audit", "--json").stdout)["checked"]["records"] == 8


@pytest.mark.parametrize("disk", ["full" if "full" in DISKS else "limit"], indirect=True)
def test_who_serves_refuses_writes_reads_on_and_works_on_when_there_is_room(disk: Disk) -> None:
    place = Installation(disk.folder / "data")
    tokens = [place.here("key", "create", "--scope", scope).stdout for scope in ("authority:GACC", "audit")]
    port = free_port()
    process = place.start(port)
    accepted: list[str] = []
    try:
        with _client(port, tokens[0]) as officer, _client(port, tokens[1]) as auditor:
            assert _post(officer, "S-0", accepted) == 202
            with disk.refusing(process):
                answers = [_until_refused(officer, accepted)]
                answers += [officer.post("/v1/records", json=_body("S-X")) for _ in range(2)]
                for address in ("/healthz", "/metrics", "/v1/checkpoints/latest", "/v1/log/leaves"):
                    assert auditor.get(address).status_code == 200, address
                ready = auditor.get("/readyz")
                time.sleep(1)  # the workers meet it too
            for each in answers:
                assert (each.status_code, each.headers["Retry-After"]) == (503, "5"), each.text
                assert each.json()["type"].endswith(("store-unavailable", "not-writable", "busy")), each.text
                assert str(disk.folder) not in each.text
            assert ready.status_code == 503
            assert "vault" in ready.json()["detail"]
            assert _post(officer, "S-Z", accepted) == 202
            assert _arrived(officer, 1 + len(accepted))
    finally:
        process.terminate()
        output = process.communicate(timeout=60)[0]
    assert "Traceback" not in output
    assert "an error of its own" not in output
    record = json.loads(place.here("record", FIRM, "--json").stdout)["records"]
    assert {each["reference"] for each in record} == {"GZ-1", *accepted}


def _client(port: int, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token.strip()}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)


def _body(reference: str) -> dict[str, Any]:
    return {"records": [row(reference)]}


def _post(client: httpx.Client, reference: str, accepted: list[str]) -> int:
    answer = client.post("/v1/records", json=_body(reference))
    if answer.status_code == 202:
        accepted.append(reference)
    return answer.status_code


def _until_refused(client: httpx.Client, accepted: list[str]) -> httpx.Response:
    """Post until there is no room: what a log had grown to before is used up first."""
    for number in range(1, 500):
        answer = client.post("/v1/records", json=_body(f"S-{number}"))
        if answer.status_code != 202:
            return answer
        accepted.append(f"S-{number}")
    raise AssertionError("the disk takes whatever is written")


def _arrived(client: httpx.Client, records: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page = client.get(f"/v1/enterprises/{FIRM}/record", params={"limit": 500}).json()
        if len(page["records"]) == records:
            return True
        time.sleep(0.3)
    return False


FULL = Path("/dev/full")


@pytest.mark.parametrize("verb", [("score", FIRM), ("status",), ("prove", FIRM, "-o", "-")])
def test_an_answer_that_has_no_room_is_a_failure_in_a_sentence(template: Path, verb: tuple[str, ...]) -> None:
    done = _onto_full(Installation(template), verb, "stdout")
    assert done.returncode == 1
    assert (
        done.stderr
        == "error: nothing more can be written: the disk is full: No space left on device (trying again may help)\n"
    )


def test_a_log_without_room_stops_nothing(template: Path) -> None:
    done = _onto_full(Installation(template), ("start", "--once"), "stderr")
    assert done.returncode == 0


def test_the_verifier_alone_has_no_room_for_its_verdict(template: Path, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    Installation(template).here("prove", FIRM, "-o", path)
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ledger.audit", path],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "error: output: No space left on device\n")


def _onto_full(place: Installation, verb: tuple[str, ...], stream: str) -> subprocess.CompletedProcess[str]:
    from installation import COMMAND

    with FULL.open("w") as full:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        return subprocess.run([COMMAND, *verb], env=place.environment, text=True, check=False, **streams)
