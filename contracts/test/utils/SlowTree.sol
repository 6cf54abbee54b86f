// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice RFC 6962, section 2.1, word for word: slow, recursive and without a thought of gas. The contracts are held
/// against it.
library SlowTree {
    /// @notice MTH(D[n]): the root over the leaves' data.
    function root(bytes[] memory leaves) internal pure returns (bytes32) {
        return leaves.length == 0 ? sha256("") : mth(leaves, 0, leaves.length);
    }

    /// @notice MTH over the first `size` leaves.
    function rootAt(bytes[] memory leaves, uint256 size) internal pure returns (bytes32) {
        return size == 0 ? sha256("") : mth(leaves, 0, size);
    }

    /// @notice PATH(m, D[n]): the inclusion proof of leaf `index`.
    function path(bytes[] memory leaves, uint256 index) internal pure returns (bytes32[] memory) {
        return path(leaves, 0, leaves.length, index);
    }

    function leafHash(bytes memory data) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"00", data));
    }

    function nodeHash(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"01", left, right));
    }

    /// @dev Leaves `from` to `to`, the latter excluded.
    function mth(bytes[] memory leaves, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from == 1) return leafHash(leaves[from]);
        uint256 k = split(to - from);
        return nodeHash(mth(leaves, from, from + k), mth(leaves, from + k, to));
    }

    function path(
        bytes[] memory leaves,
        uint256 from,
        uint256 to,
        uint256 index
    ) private pure returns (bytes32[] memory) {
        if (to - from == 1) return new bytes32[](0);
        uint256 k = split(to - from);
        return
            index < k
                ? append(path(leaves, from, from + k, index), mth(leaves, from + k, to))
                : append(path(leaves, from + k, to, index - k), mth(leaves, from, from + k));
    }

    /// @dev Largest power of two smaller than n.
    function split(uint256 n) private pure returns (uint256 k) {
        k = 1;
        while (k * 2 < n) k *= 2;
    }

    function append(bytes32[] memory hashes, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](hashes.length + 1);
        for (uint256 i; i < hashes.length; ++i) {
            longer[i] = hashes[i];
        }
        longer[hashes.length] = last;
    }
}
