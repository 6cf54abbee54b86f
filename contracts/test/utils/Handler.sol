// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {IEnterprises} from "../../src/interfaces/IEnterprises.sol";
import {batchDigest} from "./TypedData.sol";
import {Vm} from "./Vm.sol";

/// @notice Everything that can be done to the ledger, in any order: registrations, batches on both paths, repetitions,
/// forgeries, suspensions, tree heads, time. Beside the ledger it keeps two books of its own: the heads, from what it sent;
/// and the leaves and numbers, from what the ledger's logs said.
contract Handler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct TreeHead {
        uint64 size;
        bytes32 root;
    }

    /// @dev A batch as it was accepted.
    struct Batch {
        uint16 authority;
        uint48 firstNumber;
        bytes records;
    }

    uint256 private constant AUTHORITIES = 2;
    uint256 private constant MAX_FIRMS = 40;

    ICreditLedger private immutable ledger;
    IAuthorities private immutable authorities;
    address private immutable governor;
    address private immutable registrar;
    uint256[AUTHORITIES + 1] private secrets; // by authority

    // From what was sent.
    mapping(uint64 enterprise => bytes32) public heads;
    mapping(uint16 authority => uint48) public written;
    uint64 public enterprises;
    Batch[] private batches;

    // From the logs.
    mapping(uint64 enterprise => bytes32) public replayed;
    mapping(uint16 authority => uint48) public numbered;
    bytes[] private leaves;
    TreeHead[] private treeHeads;

    constructor(
        ICreditLedger ledger_,
        address governor_,
        address registrar_,
        uint256 firstSecret,
        uint256 secondSecret
    ) {
        (ledger, authorities) = (ledger_, ledger_.authorities());
        (governor, registrar) = (governor_, registrar_);
        (secrets[1], secrets[2]) = (firstSecret, secondSecret);
    }

    // ------------------------------------------------------------------ what happens

    function register(uint256 count) external {
        count = 1 + (count % 5);
        if (enterprises + count > MAX_FIRMS) return;
        bytes32[] memory commitments = new bytes32[](count);
        for (uint64 i; i < count; ++i) {
            commitments[i] = keccak256(abi.encode(enterprises + i));
            heads[enterprises + i + 1] = keccak256(abi.encode(enterprises + i + 1, commitments[i]));
        }
        vm.recordLogs();
        vm.prank(registrar);
        ledger.register(enterprises + 1, commitments);
        enterprises += uint64(count);
        readLogs();
    }

    function record(uint256 seed, bool signed) external {
        if (enterprises == 0) return;
        uint16 authority = uint16(1 + (seed % AUTHORITIES));
        bytes memory records = randomBatch(seed, authority);
        if (authorities.suspended(authority)) {
            vm.expectRevert(abi.encodeWithSelector(IAuthorities.Suspended.selector, authority));
            return submit(authority, written[authority] + 1, records, signed);
        }
        vm.recordLogs();
        submit(authority, written[authority] + 1, records, signed);
        noteSent(authority, records);
        readLogs();
    }

    /// @notice An accepted batch comes again, or one with a gap before it.
    function misnumber(uint256 seed, bool signed) external {
        if (batches.length == 0) return;
        Batch memory it = batches[seed % batches.length];
        uint48 next = written[it.authority] + 1;
        uint48 number = seed % 3 == 0 ? next + 1 + uint48((seed >> 8) % 1000) : it.firstNumber;
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, next));
        submit(it.authority, number, it.records, signed);
    }

    /// @notice A good batch with somebody else's key on it.
    function forge(uint256 seed, bool signed) external {
        if (enterprises == 0) return;
        uint16 authority = uint16(1 + (seed % AUTHORITIES));
        uint48 next = written[authority] + 1;
        bytes memory records = randomBatch(seed, authority);
        uint256 other = uint256(keccak256(abi.encode(seed)));
        bytes memory signature = sign(other, authority, next, records);
        bool suspended = authorities.suspended(authority);
        address key = signed ? vm.addr(secrets[authority]) : vm.addr(other);
        if (signed) {
            bytes memory invalid = abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, key);
            vm.expectRevert(suspended ? abi.encodeWithSelector(IAuthorities.Suspended.selector, authority) : invalid);
            ledger.recordSigned(authority, next, type(uint64).max, key, records, signature);
        } else {
            bytes memory notKey = abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, authority, key);
            vm.expectRevert(suspended ? abi.encodeWithSelector(IAuthorities.Suspended.selector, authority) : notKey);
            vm.prank(key);
            ledger.record(authority, next, records);
        }
    }

    /// @notice A good batch whose very last record has a fault: none of it may remain.
    function spoil(uint256 seed, bool signed) external {
        if (enterprises == 0) return;
        uint16 authority = uint16(1 + (seed % AUTHORITIES));
        if (authorities.suspended(authority)) return;
        bytes memory records = randomBatch(seed, authority);
        records[records.length - 33] = 0x01; // a spare bit
        uint256 last = records.length / 64 - 1;
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.SpareBitsSet.selector, last));
        submit(authority, written[authority] + 1, records, signed);
    }

    function suspend(uint256 seed) external {
        // Mostly they write.
        vm.prank(governor);
        authorities.setSuspended(uint16(1 + (seed % AUTHORITIES)), (seed >> 8) % 4 == 0);
    }

    function checkpoint() external {
        vm.recordLogs();
        ledger.checkpoint();
        readLogs();
    }

    function pass(uint32 time) external {
        vm.warp(block.timestamp + (time % 1 days));
    }

    // ------------------------------------------------------------------ the books

    function allLeaves() external view returns (bytes[] memory) {
        return leaves;
    }

    function allTreeHeads() external view returns (TreeHead[] memory) {
        return treeHeads;
    }

    function allBatches() external view returns (Batch[] memory) {
        return batches;
    }

    function noteSent(uint16 authority, bytes memory records) private {
        uint48 first = written[authority] + 1;
        for (uint256 i; i < records.length / 64;) {
            uint64 enterprise = uint64(bytes8(word(records, 2 * i)));
            bytes memory run;
            uint256 start = i;
            while (i < records.length / 64 && uint64(bytes8(word(records, 2 * i))) == enterprise) {
                run = bytes.concat(run, word(records, 2 * i), word(records, 2 * i + 1));
                ++i;
            }
            uint256 firstId = (uint256(authority) << 48) + first + start;
            heads[enterprise] = keccak256(bytes.concat(heads[enterprise], bytes32(firstId), run));
        }
        written[authority] += uint48(records.length / 64);
        batches.push(Batch(authority, first, records));
    }

    /// @dev What an auditor does who has nothing but the logs.
    function readLogs() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            Vm.Log memory log = logs[i];
            if (log.topics[0] == IEnterprises.Registered.selector) {
                uint64 enterprise = uint64(uint256(log.topics[1]));
                vm.assertEq(replayed[enterprise], 0, "registered twice");
                replayed[enterprise] = keccak256(abi.encode(enterprise, abi.decode(log.data, (bytes32))));
            } else if (log.topics[0] == ICreditLedger.Recorded.selector) {
                readRun(log);
            } else if (log.topics[0] == ICreditLedger.TreeHead.selector) {
                treeHeads.push(abi.decode(log.data, (TreeHead)));
            }
        }
    }

    function readRun(Vm.Log memory log) private {
        uint64 enterprise = uint64(uint256(log.topics[1]));
        uint16 authority = uint16(uint256(log.topics[2]));
        (uint64 firstId, uint64 leafIndex, bytes32 head, bytes memory run) = abi.decode(
            log.data,
            (uint64, uint64, bytes32, bytes)
        );
        vm.assertEq(firstId, (uint256(authority) << 48) + numbered[authority] + 1, "a record number out of turn");
        vm.assertEq(leafIndex, leaves.length, "a leaf out of turn");
        vm.assertEq(
            head,
            keccak256(bytes.concat(replayed[enterprise], bytes32(uint256(firstId)), run)),
            "head not reproduced"
        );
        numbered[authority] += uint48(run.length / 64);
        replayed[enterprise] = head;
        leaves.push(abi.encodePacked(enterprise, head));
    }

    // ------------------------------------------------------------------ batches

    /// @dev One to four enterprises, one to three records each.
    function randomBatch(uint256 seed, uint16 authority) private view returns (bytes memory records) {
        uint64 enterprise;
        for (uint256 i; i <= seed % 4; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            enterprise += 1 + uint64(seed % 12);
            if (enterprise > enterprises) break;
            for (uint256 j; j <= (seed >> 8) % 3; ++j) {
                records = bytes.concat(
                    records,
                    randomRecord(uint256(keccak256(abi.encode(seed, j))), authority, enterprise)
                );
            }
        }
        if (records.length == 0) records = randomRecord(seed, authority, 1);
    }

    function randomRecord(uint256 seed, uint16 authority, uint64 enterprise) private view returns (bytes memory) {
        uint16 kind = uint16(1 + (seed % 2));
        uint64 ref;
        if (seed % 4 == 3 && written[authority] != 0) {
            (kind, ref) = (240, (uint64(authority) << 48) + 1 + uint64((seed >> 16) % written[authority]));
        }
        uint32 decidedOn = uint32(block.timestamp / 1 days);
        bytes memory head = abi.encodePacked(enterprise, kind, uint8(seed >> 8) % 4, decidedOn - uint32(seed % 30));
        return bytes.concat(head, abi.encodePacked(decidedOn, ref, uint40(0), keccak256(abi.encode(seed))));
    }

    function submit(uint16 authority, uint48 number, bytes memory records, bool signed) private {
        address key = vm.addr(secrets[authority]);
        if (signed) {
            bytes memory signature = sign(secrets[authority], authority, number, records);
            ledger.recordSigned(authority, number, type(uint64).max, key, records, signature);
        } else {
            vm.prank(key);
            ledger.record(authority, number, records);
        }
    }

    function sign(
        uint256 secret,
        uint16 authority,
        uint48 number,
        bytes memory records
    ) private view returns (bytes memory) {
        bytes32 digest = batchDigest(
            address(ledger),
            authority == 1 ? "GACC" : "SAMR",
            number,
            0,
            type(uint64).max,
            records
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    function word(bytes memory data, uint256 index) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), shl(5, index)))
        }
    }
}
