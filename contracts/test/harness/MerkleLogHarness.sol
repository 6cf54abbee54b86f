// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MerkleLog} from "../../src/libraries/MerkleLog.sol";
import {IMerkleLogHarness} from "../utils/IMerkleLogHarness.sol";

/// @notice Compiled like the contracts that use the library, which is why the tests know it by its interface only.
contract MerkleLogHarness is IMerkleLogHarness {
    using MerkleLog for bytes32[64];

    bytes32[64] private peaks;
    uint256 private size;

    function prepare() external {
        peaks.prepare();
    }

    function append(bytes32[] calldata hashes) external {
        bytes32[64] memory fresh;
        uint256 size_ = size;
        for (uint256 i; i < hashes.length; ++i) {
            peaks.append(fresh, size_++, hashes[i]);
        }
        peaks.store(fresh, size_);
        size = size_;
    }

    function root() external view returns (bytes32) {
        return peaks.root(size);
    }

    function leafHash(bytes calldata data) external pure returns (bytes32) {
        return MerkleLog.leafHash(data);
    }

    function leafHash(uint64 prefix, bytes32 body) external view returns (bytes32) {
        return MerkleLog.leafHash(prefix, body);
    }

    function nodeHash(bytes32 left, bytes32 right) external view returns (bytes32) {
        return MerkleLog.nodeHash(left, right);
    }

    function verifyInclusion(
        bytes32 leaf,
        uint256 index,
        uint256 size_,
        bytes32[] calldata proof,
        bytes32 expected
    ) external view returns (bool) {
        return MerkleLog.verifyInclusion(leaf, index, size_, proof, expected);
    }

    function hashBetween(
        bytes memory before,
        bytes32 left,
        bytes32 right
    ) external view returns (bytes memory, bytes memory later) {
        MerkleLog.nodeHash(left, right);
        later = bytes.concat(left, right);
        MerkleLog.leafHash(1, left);
        return (before, later);
    }
}
