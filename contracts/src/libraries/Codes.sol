// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Codes
/// @notice An authority's code in signed data: a string there, left-aligned in a word here.
library Codes {
    /// @notice keccak256 of the code as a string, without its zero fill.
    /// @param code See `IAuthorities.AuthorityAdded`.
    /// @return hash As EIP-712 encodes a string.
    function hashOf(bytes32 code) internal pure returns (bytes32 hash) {
        uint256 length = 0;
        unchecked {
            while (code << (8 * length) != 0) {
                ++length;
            }
        }
        // Solidity hashes no part of a word: the code would first have to be copied into a `bytes`.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            mstore(0x00, code)
            hash := keccak256(0x00, length)
        }
    }
}
