"""The verbs, gathered into one command."""

from __future__ import annotations

from importlib.metadata import version

import typer

from ledger.cli import (
    audit,
    authorities,
    backup,
    batches,
    checkpoints,
    identities,
    keys,
    objections,
    operate,
    proofs,
    read,
    repair,
    scorecards,
    witness,
    write,
)
from ledger.cli.common import ClockIsRight

app = typer.Typer(
    name="credit-ledger",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An enterprise credit ledger on a blockchain. 跨境电商企业信用账本.",
    epilog=(
        "Exit codes: 0 done; 1 failed, or nobody reads the output; 2 usage; "
        "3 done but some rows were refused; 4 the audit could not check everything; 130 interrupted."
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("credit-ledger"))
        raise typer.Exit


@app.callback()
def root(
    show_version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and end."
    ),
    clock_is_right: ClockIsRight = False,  # `opened` asks for it
) -> None:
    """Take the options that come before a verb."""


app.command("start")(operate.start)
app.command("import")(write.import_records)
app.add_typer(identities.identifiers, name="id")
app.add_typer(identities.enterprises, name="enterprise")
app.command("score")(read.score)
app.command("record")(read.record)
app.command("assess")(write.assess)
app.add_typer(objections.objections, name="objection")
app.add_typer(authorities.authorities, name="authority")
app.add_typer(scorecards.cards, name="card")
app.add_typer(batches.batches, name="batch")
app.command("prove")(proofs.prove)
app.command("verify")(proofs.verify)
app.command("audit")(audit.audit)
app.command("checkpoint")(checkpoints.checkpoint)
app.command("witness")(witness.witness)
app.command("repair")(repair.repair)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("rebuild")(operate.rebuild)
app.command("status")(operate.status)
app.add_typer(keys.keys, name="key")
