// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {RecordFaults} from "./RecordFaults.sol";
import {SlowTree} from "./SlowTree.sol";
import {Vm} from "./Vm.sol";

/// @notice What holds for a batch whichever way it comes in. Each submission path runs all of it.
abstract contract RecordScenarios is RecordFaults {
    /// @dev Heads and leaves as the interface describes them, kept beside the contract.
    mapping(uint64 enterprise => bytes32) private heads;
    bytes[] private leaves;

    function setUp() public virtual override {
        super.setUp();
        for (uint64 e = 1; e <= FIRMS; ++e) {
            heads[e] = keccak256(abi.encode(e, identity(e)));
        }
    }

    /// @dev The key that answers for an authority's batches on this path.
    function keyOf(uint16 authority) internal view virtual returns (address);

    // ------------------------------------------------------------------ what is recorded

    function test_one_record() external {
        bytes memory records = pack(event_(7));
        bytes32 head = keccak256(bytes.concat(heads[7], bytes32(uint256(recordId(customs, 1))), records));
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, keyOf(customs), 1, 1);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.Recorded(7, customs, recordId(customs, 1), 0, head, records);
        submit(customs, 1, records);

        vm.assertEq(ledger.head(7), head);
        vm.assertEq(ledger.recordCount(customs), 1);
        vm.assertEq(ledger.logSize(), 1);
        vm.assertEq(ledger.root(), SlowTree.leafHash(abi.encodePacked(uint64(7), head)));
    }

    function test_the_largest_batch() external {
        submitAndCheck(customs, 1, batch(10, 100));
        vm.assertEq(ledger.recordCount(customs), 1000);
        vm.assertEq(ledger.logSize(), 10);
    }

    /// forge-config: default.fuzz.runs = 32
    /// @dev Any good batches, by two authorities in turn: state and logs are those of the description.
    function testFuzz_heads_log_and_events_follow_the_description(uint256 seed) external {
        uint48[2] memory written;
        for (uint256 i; i < 5; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint16 authority = seed % 2 == 0 ? customs : market;
            uint48 first = written[authority - 1] + 1;
            bytes memory records = randomBatch(seed, authority, first);
            submitAndCheck(authority, first, records);
            written[authority - 1] += uint48(records.length / 64);
        }
    }

    // ------------------------------------------------------------------ who may write

    function test_refuses_a_suspended_authority() external {
        vm.prank(governor);
        authorities.setSuspended(customs, true);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.Suspended.selector, customs));
        submit(customs, 1, pack(event_(1)));
    }

    function test_refuses_an_unknown_authority() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(9)));
        submit(9, 1, pack(event_(1)));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(0)));
        submit(0, 1, pack(event_(1)));
    }

    function test_refuses_a_key_outside_its_window() external {
        address key = keyOf(customs);
        bytes memory refusal = abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, key);
        vm.prank(governor);
        authorities.setKey(customs, key, uint64(START) + 10, uint64(START) + 20);
        vm.expectRevert(refusal);
        submit(customs, 1, pack(event_(1)));
        vm.warp(START + 10);
        submit(customs, 1, pack(event_(1)));
        vm.warp(START + 20);
        vm.expectRevert(refusal);
        submit(customs, 2, pack(event_(1)));
    }

    function test_a_mandate_holds_from_its_second_on() external {
        vm.prank(governor);
        authorities.setMandate(customs, 1 << 9, 0, uint64(START) + 10);
        submit(customs, 1, pack(event_(1)));
        vm.warp(START + 10);
        refuse(pack(event_(1)), abi.encodeWithSelector(ICreditLedger.TypeOutsideMandate.selector, 0, uint16(1)), 2);
    }

    // ------------------------------------------------------------------ numbers and length

    function testFuzz_refuses_any_number_but_the_next(uint48 number) external {
        submit(customs, 1, batch(2, 2));
        if (number == 5) number = 4;
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, uint48(5)));
        submit(customs, number, pack(event_(1)));
    }

    function test_a_repeated_batch_changes_nothing() external {
        submitAndCheck(customs, 1, batch(2, 2));
        bytes32 root = ledger.root();
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, uint48(5)));
        submit(customs, 1, batch(2, 2));
        vm.assertEq(ledger.root(), root);
        vm.assertEq(ledger.recordCount(customs), 4);
    }

    function test_each_authority_counts_for_itself() external {
        submit(customs, 1, batch(2, 1));
        submit(market, 1, batch(3, 1));
        submit(customs, 3, batch(1, 1));
        vm.assertEq(ledger.recordCount(customs), 3);
        vm.assertEq(ledger.recordCount(market), 3);
    }

    function testFuzz_refuses_other_lengths(uint256 length) external {
        length = bound(length, 0, 1000 * 64 + 200);
        if (length % 64 == 0 && length != 0 && length <= 64_000) ++length;
        refuse(new bytes(length), abi.encodeWithSelector(ICreditLedger.InvalidLength.selector, length), 1);
    }

    function test_refuses_one_record_too_many() external {
        refuse(batch(11, 91), abi.encodeWithSelector(ICreditLedger.InvalidLength.selector, 1001 * 64), 1);
    }

    // ------------------------------------------------------------------ order and enterprises

    function test_refuses_what_is_not_sorted() external {
        bytes memory refusal = abi.encodeWithSelector(ICreditLedger.Unsorted.selector, 1);
        refuse(bytes.concat(pack(event_(2)), pack(event_(1))), refusal, 1);
        refusal = abi.encodeWithSelector(ICreditLedger.Unsorted.selector, 3);
        bytes memory split = bytes.concat(pack(event_(1)), pack(event_(1)), pack(event_(2)), pack(event_(1)));
        refuse(split, refusal, 1);
    }

    function test_the_next_enterprise_to_be_registered_is_unknown() external {
        bytes memory refusal = abi.encodeWithSelector(ICreditLedger.UnknownEnterprise.selector, 0, FIRMS + 1);
        refuse(pack(event_(FIRMS + 1)), refusal, 1);
    }

    function testFuzz_refuses_unknown_enterprises(uint64 enterprise) external {
        if (enterprise != 0) enterprise = uint64(bound(enterprise, FIRMS + 1, type(uint64).max));
        bytes memory refusal = abi.encodeWithSelector(ICreditLedger.UnknownEnterprise.selector, 0, enterprise);
        refuse(pack(event_(enterprise)), refusal, 1);
        if (enterprise == 0) return;
        refusal = abi.encodeWithSelector(ICreditLedger.UnknownEnterprise.selector, 2, enterprise);
        refuse(bytes.concat(pack(event_(1)), pack(event_(1)), pack(event_(enterprise))), refusal, 1);
    }

    // ------------------------------------------------------------------ inside

    /// @dev Submit a good batch and hold state and logs against the description, computed here at leisure.
    function submitAndCheck(uint16 authority, uint48 firstNumber, bytes memory records) private {
        uint256 count = records.length / 64;
        vm.recordLogs();
        submit(authority, firstNumber, records);
        Vm.Log[] memory logs = vm.getRecordedLogs();

        vm.assertEq(logs[0].topics[0], ICreditLedger.BatchRecorded.selector);
        vm.assertEq(logs[0].topics[1], bytes32(uint256(authority)));
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(keyOf(authority)))));
        vm.assertEq(logs[0].data, abi.encode(firstNumber, count));

        uint256 next = 1;
        for (uint256 i; i < count;) {
            uint64 enterprise = enterpriseAt(records, i);
            uint64 firstId = recordId(authority, firstNumber + uint48(i));
            bytes memory run;
            for (; i < count && enterpriseAt(records, i) == enterprise; ++i) {
                run = bytes.concat(run, slice(records, i));
            }
            heads[enterprise] = keccak256(bytes.concat(heads[enterprise], bytes32(uint256(firstId)), run));
            Vm.Log memory log = logs[next++];
            vm.assertEq(log.topics[0], ICreditLedger.Recorded.selector);
            vm.assertEq(log.topics[1], bytes32(uint256(enterprise)));
            vm.assertEq(log.topics[2], bytes32(uint256(authority)));
            vm.assertEq(log.data, abi.encode(firstId, leaves.length, heads[enterprise], run));
            vm.assertEq(ledger.head(enterprise), heads[enterprise]);
            leaves.push(abi.encodePacked(enterprise, heads[enterprise]));
        }
        vm.assertEq(logs.length, next);
        vm.assertEq(ledger.recordCount(authority), firstNumber + count - 1);
        vm.assertEq(ledger.logSize(), leaves.length);
        vm.assertEq(ledger.root(), SlowTree.root(leaves));
    }
}
