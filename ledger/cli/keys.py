"""API keys: `key create`, `list`, `revoke`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.common import AsJson, emit, note, opened

if TYPE_CHECKING:
    from ledger.store.access import ApiKey

keys = typer.Typer(no_args_is_help=True, help="API keys for HTTP. 接口密钥.")


@keys.command("create")
def create(
    scope: Annotated[str, typer.Option("--scope", help="authority:CODE, enterprise:ID or audit.")],
    label: Annotated[str, typer.Option("--label", help="Whose it is, for the list.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it: once, and never again."""
    from ledger.store.access import create_key, parse_scope  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        key, token = create_key(ledger.db, parse_scope(scope, ledger.authorities), label, int(time.time()))
    emit(as_json, {**_shown(key), "token": token}, lambda it: it["token"])
    if not as_json:
        note(f"key {key.id} for {key.scope}: keep it now, it is not shown again")


@keys.command("list")
def show(as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    from ledger.store.access import list_keys  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        found = [_shown(key) for key in list_keys(ledger.db)]
    emit(
        as_json,
        {"keys": found},
        lambda it: "\n".join(
            f"{k['id']}  {k['scope']:<28} {'revoked' if k['revoked_at'] else 'valid':<8} {k['label']}"
            for k in it["keys"]
        ),
    )


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, as listed.")],
    as_json: AsJson = False,
) -> None:
    """Make a key invalid from now on."""
    from ledger.store.access import revoke_key  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        revoke_key(ledger.db, key_id, int(time.time()))
    emit(as_json, {"id": key_id, "revoked": True}, lambda it: f"key {it['id']} is revoked")


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "scope": str(key.scope),
        "label": key.label,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
