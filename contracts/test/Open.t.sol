// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../src/interfaces/IObjections.sol";
import {ObjectionsTest} from "./utils/ObjectionsTest.sol";

/// @notice Objections that an enterprise opens by its own key.
contract OpenTest is ObjectionsTest {
    function testFuzz_the_enterprise_objects_to_any_record_there_is(uint256 which, bytes32 grounds) external {
        uint64 id = recordId(customs, uint48(bound(which, 1, 3)));
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionOpened(1, 1, id, firm, TODAY, TODAY + 20, grounds);
        vm.prank(firm);
        vm.assertEq(objections.open(1, id, grounds), 1);
        vm.assertEq(objections.objectionCount(), 1);
        vm.assertEq(objections.openObjection(1, id), 1);
        expectObjection(1, 1, id, IObjections.Outcome.Open);
    }

    function testFuzz_nobody_else_opens_for_it(address caller) external {
        if (caller == firm) caller = stranger;
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, uint64(1), caller));
        vm.prank(caller);
        objections.open(1, RECORD, GROUNDS);
    }

    function testFuzz_a_key_speaks_for_its_enterprise_only(uint64 enterprise) external {
        if (enterprise == 1) enterprise = 2;
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, enterprise, firm));
        vm.prank(firm);
        objections.open(enterprise, RECORD, GROUNDS);
    }

    function testFuzz_records_that_are_not_there(uint16 authority, uint48 number) external {
        if (authority == customs && number <= 3) number = number % 2 == 0 ? 0 : 4;
        uint64 id = recordId(authority, number);
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownRecord.selector, id));
        vm.prank(firm);
        objections.open(1, id, GROUNDS);
    }

    function test_the_first_number_that_is_not_there() external {
        uint64[3] memory ids = [recordId(customs, 0), recordId(customs, 4), recordId(market, 1)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownRecord.selector, ids[i]));
            vm.prank(firm);
            objections.open(1, ids[i], GROUNDS);
        }
    }

    function test_one_open_objection_per_record() external {
        openAsFirm();
        vm.expectRevert(abi.encodeWithSelector(IObjections.AlreadyOpen.selector, uint64(1)));
        openAsFirm();
        vm.prank(firm);
        objections.open(1, RECORD + 1, GROUNDS);
        answer(1, IObjections.Outcome.Rejected);
        openAsFirm();
        vm.assertEq(objections.openObjection(1, RECORD), 3);
    }

    function test_an_objection_to_anothers_record_is_in_nobodys_way() external {
        vm.prank(firm);
        objections.open(1, RECORD + 1, GROUNDS);
        setKey(2, stranger);
        vm.prank(stranger);
        objections.open(2, RECORD + 1, GROUNDS);
        vm.assertEq(objections.openObjection(2, RECORD + 1), 2);
    }
}
