// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title CivilDay
/// @notice Business dates as days since 1970-01-01 in China Standard Time (UTC+8, no daylight saving since 1991).
library CivilDay {
    uint256 private constant OFFSET = 8 hours;

    /// @notice The civil day in which this block lies.
    /// @return Days since 1970-01-01.
    function today() internal view returns (uint32) {
        return uint32((block.timestamp + OFFSET) / 1 days);
    }
}
