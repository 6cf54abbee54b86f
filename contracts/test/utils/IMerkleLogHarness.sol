// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice The functions of the library `MerkleLog` from outside, on a log of its own.
interface IMerkleLogHarness {
    function prepare() external;
    /// @notice Append hashes as one batch.
    function append(bytes32[] calldata hashes) external;
    function root() external view returns (bytes32);
    function leafHash(bytes calldata data) external pure returns (bytes32);
    function leafHash(uint64 prefix, bytes32 body) external view returns (bytes32);
    function nodeHash(bytes32 left, bytes32 right) external view returns (bytes32);
    function verifyInclusion(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32[] calldata proof,
        bytes32 expected
    ) external view returns (bool);
    /// @notice Hash beside memory that Solidity allocated before and after; returns both as they then are.
    function hashBetween(
        bytes calldata before,
        bytes32 left,
        bytes32 right
    ) external view returns (bytes memory same, bytes memory later);
}
