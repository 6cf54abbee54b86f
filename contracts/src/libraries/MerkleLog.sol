// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title MerkleLog
/// @notice The Merkle tree of RFC 6962, section 2.1: an append-only log kept as peaks, and its inclusion proofs.
/// @dev A tree of n leaves is a row of perfect subtrees, one for each bit that is set in n, the largest to the left. Only
/// their roots, the PEAKS, are stored: peak k is live exactly when bit k of the size is set. What an appended leaf
/// completes are always the peaks of the low set bits, so appending never reads anything else.
///
/// Dead peaks stay in storage: to overwrite one later is cheaper than to clear it now and pay for a fresh slot then.
///
/// SHA-256 is that of the precompile at address 2. See the assembly for why it is called by hand.
library MerkleLog {
    /// @dev A log has fewer than 2**64 leaves.
    uint256 internal constant HEIGHT = 64;
    /// @dev Enough for four billion leaves.
    uint256 private constant PREPARED = 32;

    /// @notice SHA-256(0x00 | data): a leaf of any kind.
    /// @param data What the leaf holds.
    /// @return The leaf's hash.
    function leafHash(bytes memory data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0), data));
    }

    // The precompile is called in assembly because `sha256(abi.encodePacked(..))` costs 190 gas more for each hash, of which a
    // run takes two: together 3 % of what a run costs.
    // slither-disable-start assembly

    /// @notice SHA-256(0x00 | prefix u64 | body): a leaf of the credit ledger.
    /// @param prefix The enterprise.
    /// @param body Its head after the run.
    /// @return hash The leaf's hash.
    function leafHash(uint64 prefix, bytes32 body) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // The byte before an uint64 in its word is zero and serves as the leaf's domain byte.
            mstore(0x00, and(prefix, 0xffffffffffffffff))
            mstore(0x20, body)
            // Arguments are evaluated from right to left: returndatasize is that of this very call.
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 0x02, 0x17, 0x29, 0x00, 0x20))) {
                revert(0x00, 0x00)
            }
            hash := mload(0x00)
        }
    }

    /// @notice SHA-256(0x01 | left | right): an inner node.
    /// @param left Hash of the subtree with the lower indexes.
    /// @param right Hash of the one with the higher.
    /// @return hash The node's hash.
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // The input is a byte too long for the scratch space: borrow the free memory pointer's word and restore it.
            let free := mload(0x40)
            mstore(0x00, 0x01)
            mstore(0x20, left)
            mstore(0x40, right)
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 0x02, 0x1f, 0x41, 0x00, 0x20))) {
                revert(0x00, 0x00)
            }
            hash := mload(0x00)
            mstore(0x40, free)
        }
    }

    // slither-disable-end assembly

    /// @notice Write the slots of the peaks of an empty log once, so that the batch which first reaches a level does not
    /// pay four times as much for it as any later one. No peak is live, so what stands in them means nothing.
    /// @param peaks Those of an empty log.
    function prepare(bytes32[HEIGHT] storage peaks) internal {
        for (uint256 level; level < PREPARED; ++level) {
            peaks[level] = bytes32(type(uint256).max);
        }
    }

    /// @notice Append leaf number `size` in memory: merge it with every peak that it completes.
    /// @param peaks The peaks before this batch.
    /// @param fresh The peaks written by this batch, zero where it wrote none; updated.
    /// @param size How many leaves there are already.
    /// @param hash The leaf's hash.
    function append(
        bytes32[HEIGHT] storage peaks,
        bytes32[HEIGHT] memory fresh,
        uint256 size,
        bytes32 hash
    ) internal view {
        uint256 level;
        unchecked {
            for (; size & 1 == 1; size >>= 1) {
                bytes32 peak = fresh[level];
                hash = nodeHash(peak == 0 ? peaks[level] : peak, hash);
                ++level;
            }
        }
        fresh[level] = hash;
    }

    /// @notice Store those peaks of a log of `size` leaves that a batch has written.
    /// @param peaks The peaks before this batch; updated.
    /// @param fresh The peaks written by it, as `append` leaves them.
    /// @param size How many leaves there are after it.
    function store(bytes32[HEIGHT] storage peaks, bytes32[HEIGHT] memory fresh, uint256 size) internal {
        for (uint256 level; size != 0; size >>= 1) {
            if (size & 1 == 1 && fresh[level] != 0) peaks[level] = fresh[level];
            ++level;
        }
    }

    /// @notice Root of a log of `size` leaves: its live peaks folded from right (the smallest) to left.
    /// @param peaks The peaks.
    /// @param size How many leaves there are.
    /// @return hash The root; SHA-256 of nothing when there are none.
    function root(bytes32[HEIGHT] storage peaks, uint256 size) internal view returns (bytes32 hash) {
        if (size == 0) return sha256("");
        uint256 level;
        for (; size & 1 == 0; size >>= 1) {
            ++level;
        }
        hash = peaks[level];
        for (size >>= 1; size != 0; size >>= 1) {
            ++level;
            if (size & 1 == 1) hash = nodeHash(peaks[level], hash);
        }
    }

    /// @notice Whether `leaf` is leaf number `index` of the tree of `size` leaves with root `expected` (RFC 9162, 2.1.3.2).
    /// @param leaf The leaf's hash.
    /// @param index Counted from 0.
    /// @param size How many leaves the tree has.
    /// @param proof The siblings from the leaf up: as many as there have to be, and nothing more.
    /// @param expected The root that is known.
    /// @return False also for an index outside the tree.
    function verifyInclusion(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32[] calldata proof,
        bytes32 expected
    ) internal view returns (bool) {
        if (index >= size) return false;
        uint256 last = size - 1;
        for (uint256 i; i < proof.length; ++i) {
            if (last == 0) return false;
            if (index & 1 == 1 || index == last) {
                leaf = nodeHash(proof[i], leaf);
                // A last node without a sibling moves up unchanged until it has one.
                while (index & 1 == 0 && index != 0) {
                    (index, last) = (index >> 1, last >> 1);
                }
            } else {
                leaf = nodeHash(leaf, proof[i]);
            }
            (index, last) = (index >> 1, last >> 1);
        }
        return last == 0 && leaf == expected;
    }
}
