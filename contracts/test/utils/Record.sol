// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev The weighty types of the tests' authorities: 1, and what is no event.
uint256 constant WEIGHTY = 2 | (type(uint256).max << 240);

/// @notice A record in words; `bytesOf` gives its 64 bytes.
struct Record {
    uint64 enterprise;
    uint16 kind;
    uint8 severity;
    uint32 conductOn;
    uint32 decidedOn;
    uint64 ref;
    uint40 spare;
    bytes32 commitment;
}

function bytesOf(Record memory it) pure returns (bytes memory) {
    return
        abi.encodePacked(
            it.enterprise,
            it.kind,
            it.severity,
            it.conductOn,
            it.decidedOn,
            it.ref,
            it.spare,
            it.commitment
        );
}
