// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {LedgerTest, Record} from "./LedgerTest.sol";

/// @notice Records and batches drawn from a seed.
abstract contract RandomRecords is LedgerTest {
    /// @dev How many enterprises are registered.
    uint64 internal constant FIRMS = 12;

    /// @dev A good batch: some of the enterprises, one to four records each, of every kind that the authority may write.
    function randomBatch(uint256 seed, uint16 authority, uint48 first) internal pure returns (bytes memory records) {
        for (uint64 e = 1; e <= FIRMS; ++e) {
            seed = uint256(keccak256(abi.encode(seed, e)));
            if (seed % 3 == 0 && !(e == FIRMS && records.length == 0)) continue;
            for (uint256 i; i <= (seed >> 8) % 4; ++i) {
                Record memory it = event_(e);
                uint256 dice = uint256(keccak256(abi.encode(seed, i)));
                it.severity = uint8(dice % 4);
                it.decidedOn = TODAY - uint32((dice >> 8) % 1000);
                it.conductOn = it.decidedOn - uint32((dice >> 24) % 1000);
                it.commitment = keccak256(abi.encode(dice));
                if (first > 1 && dice % 5 == 0) {
                    (it.kind, it.ref) = (240, recordId(authority, uint48(1 + ((dice >> 40) % (first - 1)))));
                } else if (authority == 1 && dice % 5 == 1) {
                    (it.kind, it.ref) = (248 + uint16((dice >> 40) % 2), e == 1 ? 2 : 1); // linked to or from
                }
                records = bytes.concat(records, pack(it));
            }
        }
    }

    /// @dev A good record but for about one field, which is on an edge or anything at all.
    function nearlyGood(uint256 seed) internal pure returns (Record memory it) {
        it = event_(1);
        uint256 dice = uint256(keccak256(abi.encode(seed)));
        uint16[8] memory kinds = [uint16(0), 3, 239, 240, 248, 257, 256 + 240, uint16(dice >> 16)];
        if (dice % 4 == 0) it.kind = kinds[(dice >> 8) % 8];
        else if (dice % 4 == 1) it.kind = 240;
        if ((dice >> 32) % 8 == 0) it.severity = uint8(dice >> 40) % 8;
        if ((dice >> 48) % 8 == 0) it.decidedOn = TODAY - 2 + uint32((dice >> 56) % 5);
        if ((dice >> 64) % 32 == 0) it.decidedOn = uint32(dice >> 72);
        if ((dice >> 104) % 8 == 0) it.conductOn = it.decidedOn + uint32((dice >> 112) % 3);
        if ((dice >> 120) % 16 == 0) it.spare = uint40(1 << (dice >> 128) % 40);
        uint64[6] memory refs = [uint64(0), 1, 2, recordId(2, 1), recordId(2, 4), uint64(dice >> 136)];
        if (it.kind >= 240 || (dice >> 200) % 8 == 0) it.ref = refs[(dice >> 208) % 6];
    }
}
