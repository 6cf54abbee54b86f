// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../src/interfaces/IObjections.sol";
import {ObjectionsTest} from "./utils/ObjectionsTest.sol";

/// @notice Objections that a registrar opens for an enterprise without a key.
contract OpenForTest is ObjectionsTest {
    function testFuzz_a_registrar_opens_for_one_without_key(uint256 which, bytes32 grounds) external {
        uint64 id = recordId(customs, uint48(bound(which, 1, 3)));
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionOpened(1, 2, id, registrar, TODAY, TODAY + 20, grounds);
        vm.prank(registrar);
        vm.assertEq(objections.openFor(2, id, grounds), 1);
        vm.assertEq(objections.openObjection(2, id), 1);
        expectObjection(1, 2, id, IObjections.Outcome.Open);
    }

    function testFuzz_not_for_one_that_speaks_for_itself(address key) external {
        if (key == address(0)) key = stranger;
        setKey(3, key);
        vm.expectRevert(abi.encodeWithSelector(IObjections.HasKey.selector, uint64(3), key));
        openFor(3, RECORD);
    }

    function testFuzz_not_for_one_that_is_not_registered(uint64 enterprise) external {
        if (enterprise != 0) enterprise = uint64(bound(enterprise, 4, NEVER));
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownEnterprise.selector, enterprise));
        openFor(enterprise, RECORD);
    }

    function test_one_open_objection_per_record() external {
        openFor(2, RECORD);
        vm.expectRevert(abi.encodeWithSelector(IObjections.AlreadyOpen.selector, uint64(1)));
        openFor(2, RECORD);
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownRecord.selector, RECORD + 3));
        openFor(2, RECORD + 3);
    }

    function testFuzz_only_a_registrar(address caller) external {
        if (caller == registrar) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        objections.openFor(2, RECORD, GROUNDS);
    }

    function openFor(uint64 enterprise, uint64 id) private {
        vm.prank(registrar);
        objections.openFor(enterprise, id, GROUNDS);
    }
}
