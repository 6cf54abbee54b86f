"""Verbs about authorities: what they may do, said by the governor; and signatures an authority takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ledger.chain.deployment import NO_END
from ledger.cli.common import AsJson, emit, opened
from ledger.domain.calendar import to_instant
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.bootstrap import Ledger
    from ledger.workflows.governing import ActDict

authorities = typer.Typer(
    no_args_is_help=True, help="Authorities: mandates, keys, four eyes, suspension. 主管部门."
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The authority, such as GACC.")]
Key = Annotated[str, typer.Argument(metavar="ADDRESS", help="The key's address, 0x....")]
Operation = Annotated[
    str, typer.Argument(metavar="OPERATION", help="Its id as printed, or the beginning of it.")
]
_TIME = "A day (its beginning in Asia/Shanghai) or a time with its zone: 2026-05-06T10:00:00+08:00."


@authorities.command("list")
def show(as_json: AsJson = False) -> None:
    """List the authorities with their keys, as the chain has them now, and who may govern. 部门列表."""
    from ledger.workflows.authorities import authorities_now, members_now  # noqa: PLC0415  a quick start

    with opened() as ledger:
        ledger.follower.catch_up()
        found = cast("list[dict[str, Any]]", authorities_now(ledger))
        members = members_now(ledger)
    emit(as_json, {"authorities": found, "members": members}, _authorities_text)


@authorities.command("compromised")
def compromised(
    code: Code,
    key: Key,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help=_TIME)],
    as_json: AsJson = False,
) -> None:
    """Declare that a key was in the wrong hands from a time on: it writes no more, ever. 密钥泄露."""
    from ledger.workflows.governing import declare_compromised  # noqa: PLC0415  keeps the start quick

    start = _instant("from", since)
    _act(as_json, lambda ledger: declare_compromised(ledger, code.upper(), key, start))


@authorities.command("four-eyes")
def four_eyes(
    code: Code,
    state: Annotated[str, typer.Argument(metavar="on|off")],
    as_json: AsJson = False,
) -> None:
    """Take serious records only from a wallet that two officers sign with, or from any key. 双人复核."""
    from ledger.workflows.governing import set_four_eyes  # noqa: PLC0415  keeps the start quick

    if state not in {"on", "off"}:
        raise BadValue("four-eyes", state, "on or off")
    _act(as_json, lambda ledger: set_four_eyes(ledger, code.upper(), state == "on"))


@authorities.command("suspend")
def suspend(code: Code, as_json: AsJson = False) -> None:
    """Suspend an authority: it writes nothing until it is resumed. 暂停."""
    from ledger.workflows.governing import set_suspended  # noqa: PLC0415  keeps the start quick

    _act(as_json, lambda ledger: set_suspended(ledger, code.upper(), True))


@authorities.command("resume")
def resume(code: Code, as_json: AsJson = False) -> None:
    """Let a suspended authority write again. 恢复."""
    from ledger.workflows.governing import set_suspended  # noqa: PLC0415  keeps the start quick

    _act(as_json, lambda ledger: set_suspended(ledger, code.upper(), False))


@authorities.command("mandate")
def mandate(
    code: Code,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Not in the past. " + _TIME)],
    grant: Annotated[
        list[str] | None, typer.Option("--grant", metavar="TYPE", help="Such as CU04; repeatable.")
    ] = None,
    withdraw: Annotated[
        list[str] | None, typer.Option("--withdraw", metavar="TYPE", help="Such as CU04; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Grant types of record to an authority, or withdraw them, from a time on. 授权范围."""
    from ledger.workflows.governing import set_mandate  # noqa: PLC0415  keeps the start quick

    begins = _instant("from", start)
    given, taken = ([each.upper() for each in types or ()] for types in (grant, withdraw))

    _act(as_json, lambda ledger: set_mandate(ledger, code.upper(), given, taken, start=begins))


@authorities.command("key")
def key_(  # noqa: PLR0917  the options of the command
    code: Code,
    key: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="The key's address, 0x....", show_default=False)
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="A key that this office makes and keeps.")] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Default: as it was, or now. " + _TIME)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Default: no end. " + _TIME)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a key write for an authority in a span of time; one that is over revokes it. 部门密钥."""
    from ledger.workflows.governing import set_key  # noqa: PLC0415  keeps the start quick

    if new == (key is not None):
        raise BadValue("key", key or "", "give the address of one, or --new")
    begins = None if start is None else _instant("from", start)
    ends = NO_END if until is None else _instant("until", until)
    _act(as_json, lambda ledger: set_key(ledger, code.upper(), key, begins, ends))


@authorities.command("role")
def role_(
    act: Annotated[str, typer.Argument(metavar="grant|revoke")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="governor, registrar, assessor or guardian.")],
    account: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets or loses it, 0x....")],
    as_json: AsJson = False,
) -> None:
    """Give an account a working role, or take it away; `authority list` says who has which. 治理角色."""
    from ledger.workflows.governing import set_role  # noqa: PLC0415  keeps the start quick

    if act not in {"grant", "revoke"}:
        raise BadValue("role", act, "grant or revoke")
    _act(as_json, lambda ledger: set_role(ledger, role, account, act == "grant"))


@authorities.command("invalidate")
def invalidate(
    code: Code,
    wallet: Annotated[
        str | None,
        typer.Option(
            "--wallet", metavar="ADDRESS", help="Print the transaction by which this wallet of it does so."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take back what an authority signed and nobody has posted yet, with its own key. 作废签名."""
    from ledger.workflows.governing import invalidate_signatures, invalidating  # noqa: PLC0415

    with opened() as ledger:
        ledger.follower.catch_up()
        if wallet is not None:
            call = invalidating(ledger, code.upper(), wallet)
            emit(as_json, cast("dict[str, Any]", call), _invalidating_text)
            return
        epoch = invalidate_signatures(ledger, code.upper())
    found = {"authority": code.upper(), "epoch": epoch}
    emit(as_json, found, lambda it: f"{it['authority']}: its unused signatures are void (epoch {epoch})")


@authorities.command("pending")
def pending(as_json: AsJson = False) -> None:
    """List what the governor has announced and not done yet. 待执行."""
    from ledger.workflows.governing import pending as waiting  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        found = waiting(ledger)
    emit(as_json, {"pending": found}, lambda it: "\n".join(map(act_text, it["pending"])) or "nothing waits")


@authorities.command("execute")
def execute(operation: Operation, as_json: AsJson = False) -> None:
    """Do what was announced, once it is due. 执行."""
    from ledger.workflows.governing import execute as do  # noqa: PLC0415  keeps the start quick

    _act(as_json, lambda ledger: do(ledger, operation))


@authorities.command("cancel")
def cancel(operation: Operation, as_json: AsJson = False) -> None:
    """Take back what was announced, with the guardian's key. 撤回."""
    from ledger.workflows.governing import take_back  # noqa: PLC0415  keeps the start quick

    with opened() as ledger:
        found = cast("dict[str, Any]", take_back(ledger, operation))
    emit(as_json, found, lambda it: f"taken back: {it['what']}")


def _act(as_json: bool, act: Callable[[Ledger], ActDict]) -> None:
    with opened() as ledger:
        ledger.follower.catch_up()
        found = act(ledger)
    emit(as_json, found, act_text)


def act_text(found: ActDict) -> str:
    """Say what was done, or announced and until when it waits."""
    if found["done"]:
        return f"done: {found['what']}"
    short = (found["operation"] or "")[:14]
    when = f"can be done from {found['due']} until {found['until']}"
    return f"announced: {found['what']}\n  {when}: credit-ledger authority execute {short}"


def _authorities_text(found: dict[str, Any]) -> str:
    members = [f"  {each}" for each in found["members"]]
    return "\n".join([*map(_authority_text, found["authorities"]), "who may govern 治理权限", *members])


def _invalidating_text(call: dict[str, Any]) -> str:
    lines = (f"{call['wallet']} sends, from its own app:", f"  to    {call['to']}", "  value 0")
    return "\n".join([*lines, f"  data  {call['data']}"])


def _authority_text(found: dict[str, Any]) -> str:
    states = ["suspended 暂停"] if found["suspended"] else []
    states += ["four eyes 双人复核"] if found["four_eyes"] else []
    lines = [f"{found['code']:<9} {found['records']:>8,} records  {', '.join(states)}".rstrip()]
    lines.append("  may write " + (" ".join(found["mandate"]) or "nothing"))
    for each in found["keys"]:
        held = "  held here" if each["here"] else ""
        bad = f"  COMPROMISED 泄露 from {each['compromised_from']}" if each["compromised_from"] else ""
        lines.append(f"  {each['key']}  {each['valid_from']} until {each['valid_until']}{held}{bad}")
    return "\n".join(lines)


def _instant(option: str, text: str) -> int:
    try:
        return to_instant(text)
    except BadValue as error:
        raise BadValue(option, text, error.reason) from None
