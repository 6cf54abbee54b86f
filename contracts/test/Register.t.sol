// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IEnterprises} from "../src/interfaces/IEnterprises.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract RegisterTest is LedgerTest {
    function testFuzz_numbers_heads_and_events(uint8 earlier, bytes32[] memory commitments) external {
        if (earlier != 0) register(earlier);
        if (commitments.length == 0) commitments = new bytes32[](1);
        uint64 first = uint64(earlier) + 1;
        for (uint64 i; i < commitments.length; ++i) {
            vm.expectEmit(address(ledger));
            emit IEnterprises.Registered(first + i, commitments[i]);
        }
        vm.prank(registrar);
        ledger.register(first, commitments);

        vm.assertEq(ledger.enterpriseCount(), earlier + commitments.length);
        for (uint64 i; i < commitments.length; ++i) {
            bytes32 head = keccak256(bytes.concat(bytes32(uint256(first + i)), commitments[i]));
            vm.assertEq(ledger.head(first + i), head);
        }
        vm.assertEq(ledger.head(0), 0);
        vm.assertEq(ledger.head(uint64(first + commitments.length)), 0);
    }

    function testFuzz_refuses_any_number_but_the_next(uint8 earlier, uint64 first) external {
        if (earlier != 0) register(earlier);
        if (first == uint64(earlier) + 1) ++first;
        vm.expectRevert(abi.encodeWithSelector(IEnterprises.WrongEnterprise.selector, uint64(earlier) + 1));
        vm.prank(registrar);
        ledger.register(first, new bytes32[](1));
    }

    function test_a_repeated_registration_changes_nothing() external {
        register(3);
        bytes32 head = ledger.head(2);
        vm.expectRevert(abi.encodeWithSelector(IEnterprises.WrongEnterprise.selector, uint64(4)));
        vm.prank(registrar);
        ledger.register(1, new bytes32[](3));
        vm.assertEq(ledger.enterpriseCount(), 3);
        vm.assertEq(ledger.head(2), head);
    }

    function test_refuses_to_register_nothing() external {
        vm.expectRevert(abi.encodeWithSelector(IEnterprises.NothingToRegister.selector));
        vm.prank(registrar);
        ledger.register(1, new bytes32[](0));
    }

    function testFuzz_only_the_registrar(address caller) external {
        if (caller == registrar) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        ledger.register(1, new bytes32[](1));
    }

    function test_leaves_the_log_alone() external {
        register(5);
        vm.assertEq(ledger.logSize(), 0);
        vm.assertEq(ledger.root(), sha256(""));
    }
}
