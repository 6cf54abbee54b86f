"""The verb `witness`: a small service, run by somebody else than the ledger's operator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.common import note
from ledger.crypto.notes import ED25519, VerifierKey
from ledger.errors import BadValue, Misconfigured


def witness(
    name: Annotated[str, typer.Option("--name", help="The witness's name, such as witness.example/w1.")],
    log: Annotated[
        list[str], typer.Option("--log", metavar="VKEY", help="The key of a log to witness; may be repeated.")
    ],
    folder: Annotated[
        Path, typer.Option("--folder", help="Its own folder: key, last checkpoints, alarms.")
    ] = Path("witness"),
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
    opened = open_witness(folder, name, keys, lambda said: note(f"ALARM 警报 {said}"))
    key = VerifierKey.parse(str(opened.key.verifier))  # a name that no key can have is refused here
    try:
        server = make_witness_server(opened, host, port)
    except OSError as error:
        raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror}") from None
    with server:
        listening = server.server_address[1]
        note(f"witness {name}, key {key}")
        note(f"http://{host}:{listening}/add-checkpoint, {len(keys)} logs  -  Ctrl-C ends")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            note("ended")
