"""Hashes, Merkle proofs, heads, commitments and sealing: pure functions, bytes in, bytes or an error out."""
