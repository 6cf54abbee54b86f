"""What a batch and an answer have in common where an authority's wallet must sign: showing it, and taking it.

Nothing is kept between the two. The message that officers sign names all that matters, the deadline too;
whoever posts it compares it with what the office has and the chain says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from ledger.chain.accounts import checked_address
from ledger.chain.wallets import accepts, is_wallet
from ledger.crypto.wallet_messages import joined, safe_digest
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue, Forbidden
from ledger.outbox.mandates import keys_now
from ledger.workflows.sending import present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.crypto.wallet_messages import WalletMessage
    from ledger.workflows.office import Office


class ToSignDict(TypedDict):
    """What officers sign: `message` as `eth_signTypedData_v4` takes it, `digest` and `safe_digest` in hex.

    `safe_digest` is what a Safe's owners sign; another kind of wallet has its own. `until` is the deadline.
    """

    authority: str
    wallet: str
    until: str
    digest: str
    safe_digest: str
    message: dict[str, Any]


def to_sign(code: str, wallet: str, message: WalletMessage) -> ToSignDict:
    """Return a message of the authority `code` as the officers of its wallet sign it."""
    return {
        "authority": code,
        "wallet": wallet,
        "until": iso_instant(message.content.deadline),
        "digest": "0x" + message.digest.hex(),
        "safe_digest": "0x" + safe_digest(message.chain_id, wallet, message.digest).hex(),
        "message": message.to_json(),
    }


def wallet_of(office: Office, number: int, code: str, wallet: str | None, now: int) -> str:
    """Return the checksummed address of an authority's wallet that is valid now; None: the only one it has.

    Raises `BadValue`: it has none or several, or this is no contract wallet of it.
    """
    if wallet is not None:
        wallet = checked_address("wallet", wallet)
        _refuse_no_wallet(office, number, code, wallet, now)
        return wallet
    with office.db.read_index() as index:
        keys = keys_now(index, number, now)
    found = [checked_address("key", each) for each in keys if is_wallet(office.node, each)]
    if len(found) != 1:
        several = (
            f"{code} has {', '.join(found)}: say which" if found else f"{code} has none that is valid now"
        )
        raise BadValue("wallet", "", several)
    return found[0]


def taken(
    office: Office, number: int, message: WalletMessage, wallet: str, signatures: Sequence[bytes]
) -> bytes:
    """Return the wallet's signature of a message of the authority `number`, once it stands by it and may now.

    Several `signatures` are those of a Safe's owners, 65 bytes each, in any order. Raises `BadValue` (the
    deadline has passed; no wallet of the authority; no signature), `Forbidden` (the wallet refuses it).
    """
    now, deadline = present(office), message.content.deadline
    if deadline <= now:  # the next block is later
        until = iso_instant(deadline)
        raise BadValue("message.deadline", until, "has passed: show it again and have it signed")
    _refuse_no_wallet(office, number, message.content.authority, wallet, now)
    signature = joined(signatures, safe_digest(message.chain_id, wallet, message.digest))
    if not accepts(office.node, wallet, message.digest, signature):
        raise Forbidden(f"the wallet {wallet} does not stand by this signature; nothing was sent")
    return signature


def _refuse_no_wallet(office: Office, number: int, code: str, wallet: str, now: int) -> None:
    start, until = office.contracts.key_window(number, wallet)
    if not start <= now < until or office.contracts.compromised_from(number, wallet):
        raise BadValue("wallet", wallet, f"is not a key of {code} that is valid now")
    if not is_wallet(office.node, wallet):
        raise BadValue("wallet", wallet, "is an account, for which a single key speaks: no contract wallet")
