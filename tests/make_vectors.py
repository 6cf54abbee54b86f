"""Make the vectors of tests/vectors that concern hashing and proofs: `python tests/make_vectors.py`.

Nothing here uses ledger.crypto: proofs come from the slow reference, heads from eth_abi and eth_utils, commitments
from hashlib. The published roots and proofs (rfc6962.json) are copied, not made: see its `source`. The evidence
files alone are the product's own, kept so that a change of the format is seen.
"""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import merkle_reference as reference
from batch_vectors import batch_vectors
from eth_abi import encode
from eth_utils import keccak
from evidence_sample import full_sample, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = Path(__file__).parent / "vectors"
RANDOM = random.Random(6962)


def write(name: str, content: dict[str, Any]) -> None:
    (VECTORS / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def hexes(hashes: list[bytes]) -> list[str]:
    return [value.hex() for value in hashes]


def leaf(index: int) -> bytes:
    return f"leaf {index}".encode()


def proofs() -> dict[str, Any]:
    sizes = []
    for size in [*range(1, 71), 127, 128, 129, 1000]:
        data = [leaf(i) for i in range(size)]
        indices = sorted({0, size // 3, size // 2, size - 1})
        firsts = sorted({1, size // 3, size // 2, max(size - 1, 1), size} - {0})
        sizes.append(
            {
                "size": size,
                "root": reference.mth(data).hex(),
                "inclusion": {str(i): hexes(reference.path(i, data)) for i in indices},
                "consistency": {str(m): hexes(reference.proof(m, data)) for m in firsts},
            }
        )
    return {"source": "tests/merkle_reference.py", "leaf": "b'leaf %d' % index", "sizes": sizes}


def hostile() -> Iterator[dict[str, Any]]:
    size, index = 13, 6
    data = [leaf(i) for i in range(size)]
    root, path, good = reference.mth(data), reference.path(index, data), data[index]

    def inclusion(name: str, error: str, **changed: Any) -> dict[str, Any]:
        given = {"data": good, "index": index, "size": size, "proof": path, "root": root} | changed
        shown = {k: v.hex() if isinstance(v, bytes) else v for k, v in given.items()}
        return {"name": name, "kind": "inclusion", "error": error, **shown, "proof": hexes(given["proof"])}

    flipped = [path[0], bytes([path[1][0] ^ 1]) + path[1][1:], *path[2:]]
    yield inclusion("one bit of the proof flipped", "RootDiffers", proof=flipped)
    yield inclusion("one bit of the root flipped", "RootDiffers", root=root[:-1] + bytes([root[-1] ^ 0x80]))
    yield inclusion("one byte of the leaf changed", "RootDiffers", data=b"leaf 7")
    yield inclusion("proof without its first hash", "ProofTruncated", proof=path[1:])
    yield inclusion("proof without its last hash", "ProofTruncated", proof=path[:-1])
    yield inclusion("no proof", "ProofTruncated", proof=[])
    yield inclusion("proof with a hash too many", "ProofTooLong", proof=[*path, root])
    yield inclusion("proof with its root appended", "ProofTooLong", proof=[*path, path[-1]])
    yield inclusion("two hashes swapped", "RootDiffers", proof=[path[1], path[0], *path[2:]])
    yield inclusion("proof reversed", "RootDiffers", proof=path[::-1])
    yield inclusion("the neighbour's index", "RootDiffers", index=7)
    yield inclusion("an index of another shape", "ProofTooLong", index=12)
    yield inclusion("index equal to the size", "IndexOutside", index=size)
    yield inclusion("negative index", "IndexOutside", index=-1)
    yield inclusion("index in an empty log", "IndexOutside", index=0, size=0, proof=[])
    yield inclusion("an older size", "ProofTooLong", size=8)
    yield inclusion("a larger size", "ProofTruncated", size=17)
    yield inclusion("a hash of 31 bytes", "NotAHash", proof=[path[0][:31], *path[1:]])
    yield inclusion("a hash of 33 bytes", "NotAHash", proof=[path[0] + b"\0", *path[1:]])
    yield inclusion("empty root", "NotAHash", root=b"")
    yield inclusion("root of the first 12", "RootDiffers", root=reference.mth(data[:12]))
    # The node over leaves 4 and 5 offered as a leaf: the leaf prefix makes another hash of its two children.
    children = reference.mth(data[4:5]) + reference.mth(data[5:6])
    pairs = [reference.mth(data[i : i + 2]) for i in range(0, 8, 2)]
    top = sha256(b"\x01" + pairs[0] + pairs[1]).digest()
    assert sha256(b"\x01" + top + sha256(b"\x01" + pairs[2] + pairs[3]).digest()).digest() == reference.mth(
        data[:8]
    )
    yield inclusion(
        "an interior node as a leaf",
        "RootDiffers",
        data=children,
        index=2,
        size=4,
        proof=[pairs[3], top],
        root=reference.mth(data[:8]),
    )

    first, second = 6, 13
    old, proof = reference.mth(data[:first]), reference.proof(first, data)

    def consistency(name: str, error: str, **changed: Any) -> dict[str, Any]:
        given = {
            "first": first,
            "second": second,
            "proof": proof,
            "first_root": old,
            "second_root": root,
        } | changed
        shown = {k: v.hex() if isinstance(v, bytes) else v for k, v in given.items()}
        return {"name": name, "kind": "consistency", "error": error, **shown, "proof": hexes(given["proof"])}

    forked = reference.mth([*data[:4], b"other", *data[5:]])
    yield consistency("roots swapped", "OldRootDiffers", first_root=root, second_root=old)
    yield consistency("a forked newer root", "RootDiffers", second_root=forked)
    yield consistency(
        "a forked older root", "OldRootDiffers", first_root=reference.mth([*data[:5], b"other"])
    )
    yield consistency("sizes swapped", "SizesReversed", first=second, second=first)
    yield consistency("negative size", "SizesReversed", first=-1)
    yield consistency("no proof", "ProofTruncated", proof=[])
    yield consistency("proof without its last hash", "ProofTruncated", proof=proof[:-1])
    yield consistency("proof without its first hash", "ProofTruncated", proof=proof[1:])
    yield consistency("proof with a hash too many", "ProofTooLong", proof=[*proof, root])
    yield consistency(
        "one bit of the first hash flipped", "OldRootDiffers", proof=[flip(proof[0]), *proof[1:]]
    )
    yield consistency("one bit of the last hash flipped", "RootDiffers", proof=[*proof[:-1], flip(proof[-1])])
    yield consistency("another older size", "ProofTruncated", first=5)
    yield consistency("same size, other root", "OldRootDiffers", first=second, proof=[])
    yield consistency("same size with a proof", "ProofTooLong", first=second, first_root=root)
    yield consistency("from nothing with a proof", "ProofTooLong", first=0, first_root=sha256(b"").digest())
    yield consistency("from nothing with another root", "OldRootDiffers", first=0, proof=[])
    yield consistency("a hash of 31 bytes", "NotAHash", proof=[proof[0][:31], *proof[1:]])
    yield consistency("old root of 0 bytes", "NotAHash", first_root=b"")
    four = reference.mth(data[:4])
    yield consistency(
        "a power of two, and the old root given again", "ProofTooLong",
        first=4, first_root=four, proof=[four, *reference.proof(4, data)],
    )  # fmt: skip


def flip(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def heads() -> dict[str, Any]:
    chains = []
    for enterprise in (1, 7, 2**40 + 3, 2**64 - 1):
        commitment = RANDOM.randbytes(32)
        head = keccak(encode(["uint64", "bytes32"], [enterprise, commitment]))
        chain: dict[str, Any] = {
            "enterprise": enterprise,
            "commitment": commitment.hex(),
            "genesis": head.hex(),
        }
        runs = []
        for count in (1, 2, 5):
            first_id, run = RANDOM.randrange(1, 2**64), RANDOM.randbytes(64 * count)
            head = keccak(head + encode(["uint256"], [first_id]) + run)
            leaf_data = encode(["uint64"], [enterprise])[24:] + head
            runs.append(
                {
                    "first_id": first_id,
                    "run": run.hex(),
                    "head": head.hex(),
                    "leaf_data": leaf_data.hex(),
                    "leaf_hash": sha256(b"\x00" + leaf_data).hexdigest(),
                }
            )
        chains.append(chain | {"runs": runs})
    return {"source": "eth_abi and eth_utils", "keccak_empty": keccak(b"").hex(), "chains": chains}


def commitments() -> dict[str, Any]:
    def one(prefix: str, salt: bytes, content: bytes) -> dict[str, str]:
        digest = sha256(prefix.encode() + b"\x00" + salt + content).hexdigest()
        return {"salt": salt.hex(), "content": content.hex(), "commitment": digest}

    document, identity = "credit-ledger/document/1", "credit-ledger/identity/1"
    keys = ["uscc:91440101MA9W0ABC2X", "lei:529900T8BM49AURSDO55", "name:CN:广州示例贸易"]
    return {
        "source": "hashlib; prefix, a zero byte, 32 bytes of salt, content",
        "documents": [
            one(document, RANDOM.randbytes(32), RANDOM.randbytes(n)) for n in (0, 1, 31, 32, 33, 1000)
        ],
        "identities": [one(identity, RANDOM.randbytes(32), key.encode()) for key in keys],
    }


if __name__ == "__main__":
    write("merkle_proofs.json", proofs())
    write("merkle_hostile.json", {"source": "tests/make_vectors.py", "cases": list(hostile())})
    write("heads.json", heads())
    write("commitments.json", commitments())
    write("batches.json", batch_vectors())
    (VECTORS / "evidence.json").write_bytes(sample())
    (VECTORS / "evidence-full.json").write_bytes(full_sample())
