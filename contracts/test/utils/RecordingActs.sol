// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {IEnterprises} from "../../src/interfaces/IEnterprises.sol";
import {Books} from "./Books.sol";
import {bytesOf, Record} from "./Record.sol";
import {Rights} from "./Rights.sol";
import {batchDigest} from "./TypedData.sol";

/// @notice What is written to the ledger: registrations, batches on both paths by whoever, repetitions, forgeries.
abstract contract RecordingActs is Rights, Books {
    uint256 private constant MAX_FIRMS = 40;

    function register(uint256 seed) external {
        uint256 count = 1 + (seed % 5);
        address sender = caller(world.registrar, seed);
        if (enterprises + count > MAX_FIRMS) return;
        bytes32[] memory commitments = new bytes32[](count);
        for (uint64 i; i < count; ++i) {
            commitments[i] = keccak256(abi.encode(enterprises + i));
        }
        uint64 first = (seed >> 8) % 8 == 0 ? enterprises : enterprises + 1;
        bytes memory refusal;
        if (sender != world.registrar) refusal = unauthorized(sender);
        else if (first != enterprises + 1) {
            refusal = abi.encodeWithSelector(IEnterprises.WrongEnterprise.selector, enterprises + 1);
        }
        bool good = expect("register", refusal);
        vm.prank(sender);
        world.ledger.register(first, commitments);
        if (good) noteRegistered(commitments);
    }

    /// @notice A batch, with its next number or another, perhaps with a fault in its last record: none of it may remain.
    function record(uint256 seed, uint256 who) external {
        if (enterprises == 0) return;
        (uint16 authority, Record[] memory records) = drawn(seed);
        who = mostlyKey(authority, who);
        uint48 next = written[authority] + 1;
        uint48 first = (seed >> 8) % 8 == 0 ? uint48(seed >> 16) % (next + 2) : next;
        bytes memory refusal =
            first == next
                ? refusalOf(authority, writer(who), first, records, enterprises)
                : abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, next);
        bool good = expect("record", refusal);
        vm.prank(writer(who));
        world.ledger.record(authority, first, encoded(records));
        if (good) noteRecorded(authority, records);
    }

    function recordSigned(uint256 seed, uint256 who) external {
        if (enterprises == 0) return;
        (uint16 authority, Record[] memory records) = drawn(seed);
        who = mostlyKey(authority, who);
        uint48 next = written[authority] + 1;
        uint48 first = (seed >> 8) % 8 == 0 ? uint48(seed >> 16) % (next + 2) : next;
        bytes memory signature = signBatch(who, authority, first, signatureEpoch[authority], records);
        bytes memory refusal =
            first == next
                ? refusalOf(authority, writer(who), first, records, enterprises)
                : abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, next);
        bool good = expect("recordSigned", refusal);
        post(authority, first, writer(who), records, signature);
        if (good) noteRecorded(authority, records);
    }

    /// @notice A batch whose signature is somebody else's, or of another epoch. What is wrong with its records is said first.
    function forge(uint256 seed, uint256 who) external {
        if (enterprises == 0) return;
        (uint16 authority, Record[] memory records) = drawn(seed);
        who = mostlyKey(authority, who);
        uint48 first = written[authority] + 1;
        bytes memory refusal = refusalOf(authority, writer(who), first, records, enterprises);
        if (refusal.length == 0) {
            refusal = abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, writer(who));
        }
        uint64 epoch = signatureEpoch[authority];
        bytes memory signature = signBatch(who + 1 + (seed % 5), authority, first, epoch, records);
        if ((seed >> 8) % 3 == 0) signature = signBatch(who, authority, first, epoch + 1, records);
        else if ((seed >> 8) % 3 == 1 && epoch != 0) signature = signBatch(who, authority, first, epoch - 1, records);
        expect("forge", refusal);
        post(authority, first, writer(who), records, signature);
    }

    function invalidateSignatures(uint256 seed, uint256 who) external {
        uint16 authority = authorityBy(seed);
        who = mostlyKey(authority, who);
        bool good = expect("invalidateSignatures", refusalOf(authority, writer(who)));
        vm.prank(writer(who));
        world.ledger.invalidateSignatures(authority);
        if (good) ++signatureEpoch[authority];
    }

    function checkpoint() external {
        vm.recordLogs();
        world.ledger.checkpoint();
        readLogs();
    }

    // ------------------------------------------------------------------ inside

    function post(
        uint16 authority,
        uint48 first,
        address key,
        Record[] memory records,
        bytes memory signature
    ) private {
        world.ledger.recordSigned(authority, first, type(uint64).max, key, encoded(records), signature);
    }

    function signBatch(
        uint256 who,
        uint16 authority,
        uint48 first,
        uint64 epoch,
        Record[] memory records
    ) private view returns (bytes memory) {
        bytes memory data = encoded(records);
        string memory code = codeOf(authority);
        return signAs(who, batchDigest(address(world.ledger), code, first, epoch, type(uint64).max, data));
    }

    /// @dev Three times of four one whose key is good, if there is one.
    function mostlyKey(uint16 authority, uint256 who) internal view returns (uint256) {
        who = who % (4 * WRITERS);
        for (uint256 i; who >= WRITERS && i < WRITERS; ++i) {
            if (refusalOf(authority, writer(who + i)).length == 0) return (who + i) % WRITERS;
        }
        return who % WRITERS;
    }

    function encoded(Record[] memory records) private pure returns (bytes memory data) {
        for (uint256 i; i < records.length; ++i) {
            data = bytes.concat(data, bytesOf(records[i]));
        }
    }

    /// @dev One to four enterprises, one to three records each.
    function drawn(uint256 seed) private view returns (uint16 authority, Record[] memory records) {
        authority = authorityBy(seed);
        records = new Record[](12);
        uint256 count;
        uint256 dice = uint256(keccak256(abi.encode(seed)));
        uint64 enterprise = 1 + uint64((dice >> 32) % enterprises);
        for (uint256 i; i <= dice % 4 && enterprise <= enterprises; ++i) {
            for (uint256 j; j <= (dice >> (8 + 8 * i)) % 3; ++j) {
                records[count] = drawn(uint256(keccak256(abi.encode(seed, count))), authority, enterprise);
                ++count;
            }
            enterprise += 1 + uint64((dice >> (64 + 8 * i)) % 12);
        }
        if ((dice >> 128) % 6 == 0) records[count - 1].spare = 1;
        assembly ("memory-safe") {
            mstore(records, count)
        }
    }

    /// @dev A good record in some mandate.
    function drawn(uint256 seed, uint16 authority, uint64 enterprise) private view returns (Record memory it) {
        it.enterprise = enterprise;
        it.kind = uint16(1 + (seed % 8) / 5); // mostly 1
        it.severity = uint8((seed >> 8) % 8 == 0 ? 3 : (seed >> 8) % 3);
        it.decidedOn = today() - uint32((seed >> 16) % 30);
        it.conductOn = it.decidedOn - uint32((seed >> 24) % 30);
        it.commitment = keccak256(abi.encode(seed));
        if ((seed >> 32) % 6 == 0 && written[authority] != 0) {
            (it.kind, it.ref) = (240, (uint64(authority) << 48) + 1 + uint64((seed >> 40) % written[authority]));
        } else if ((seed >> 32) % 12 == 1 && enterprise != 1) (it.kind, it.ref) = (248, 1);
    }
}
