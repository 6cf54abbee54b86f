"""The verb `witness`: a small service, run by somebody else than the ledger's operator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.common import note
from ledger.crypto.notes import ED25519, VerifierKey
from ledger.errors import BadValue, Misconfigured
from ledger.json_text import read_json_file

if TYPE_CHECKING:
    from ledger.workflows.recomputing import Recomputer


def _recomputer(node: str | None, deployment: Path | None, keys: list[VerifierKey]) -> Recomputer:
    """Open the witness's node. Raises `BadValue` (one of the two missing, another ledger's contracts)."""
    from ledger.chain.contracts import Deployment  # noqa: PLC0415  keeps the start quick
    from ledger.chain.rpc import HttpNode  # noqa: PLC0415
    from ledger.workflows.recomputing import Recomputer  # noqa: PLC0415

    if node is None or deployment is None:
        raise BadValue("node", node or "", "needs both --node and --deployment")
    try:
        content = read_json_file(deployment)
    except (OSError, ValueError) as error:
        raise BadValue("deployment", deployment, f"cannot be read: {error}") from None
    if isinstance(content, dict):
        content = content.get("deployment", content)
    found = Recomputer(HttpNode(node), Deployment.from_json(content))
    if found.origin not in {each.name for each in keys}:
        raise BadValue("deployment", deployment, f"of {found.origin}, which none of the --log keys signs")
    note(f"following {node} ...")
    note(f"at block {found.catch_up()}")
    return found


def witness(  # noqa: PLR0917  a verb's options
    name: Annotated[str, typer.Option("--name", help="The witness's name, such as witness.example/w1.")],
    log: Annotated[
        list[str], typer.Option("--log", metavar="VKEY", help="The key of a log to witness; may be repeated.")
    ],
    folder: Annotated[
        Path, typer.Option("--folder", help="Its own folder: key, last checkpoints, alarms.")
    ] = Path("witness"),
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="URL",
            help="A node of your own of the ledger's chain: cosign only what is recomputed from it.",
        ),
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment", metavar="FILE", help="With --node: the ledger's contracts (status --json)."
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8010,
) -> None:
    """Witness logs: cosign checkpoints that extend the last one seen, raise the alarm on a fork. 见证."""
    from ledger.workflows.witness import open_witness  # noqa: PLC0415  keeps the start quick
    from ledger.workflows.witness_server import make_witness_server  # noqa: PLC0415

    keys = [VerifierKey.parse(each) for each in log]
    if any(each.kind != ED25519 for each in keys):
        raise BadValue(
            "log", next(str(each) for each in keys if each.kind != ED25519), "not the key of a log"
        )
    following = [] if node is None and deployment is None else [_recomputer(node, deployment, keys)]
    opened = open_witness(folder, name, keys, lambda said: note(f"ALARM 警报 {said}"), following)
    key = VerifierKey.parse(str(opened.key.verifier))  # a name that no key can have is refused here
    try:
        server = make_witness_server(opened, host, port)
    except OSError as error:
        raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror}") from None
    with server:
        listening = server.server_address[1]
        note(f"witness {name}, key {key}")
        if opened.second:
            note(f"recomputes from {node}; its key for that: {opened.second.verifier}")
        note(f"http://{host}:{listening}/add-checkpoint, {len(keys)} logs  -  Ctrl-C ends")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            note("ended")
