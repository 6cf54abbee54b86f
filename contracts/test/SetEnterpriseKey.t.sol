// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../src/interfaces/IObjections.sol";
import {ObjectionsTest} from "./utils/ObjectionsTest.sol";

contract SetEnterpriseKeyTest is ObjectionsTest {
    function testFuzz_speaks_from_now_on(address key) external {
        if (key == address(0)) key = stranger;
        vm.expectEmit(address(objections));
        emit IObjections.EnterpriseKeySet(2, key);
        setKey(2, key);
        vm.assertEq(objections.enterpriseKey(2), key);
        vm.assertEq(objections.enterpriseKey(1), firm);
        vm.prank(key);
        objections.open(2, RECORD, GROUNDS);
    }

    function testFuzz_takes_the_word_from_the_one_before(address key) external {
        if (key == firm) key = address(0);
        setKey(1, key);
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, uint64(1), firm));
        openAsFirm();
    }

    function test_taken_away_it_speaks_no_more() external {
        setKey(1, address(0));
        vm.assertEq(objections.enterpriseKey(1), address(0));
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, uint64(1), firm));
        openAsFirm();
    }

    function testFuzz_of_registered_enterprises(uint64 enterprise) external {
        if (enterprise != 0) enterprise = uint64(bound(enterprise, 4, NEVER));
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownEnterprise.selector, enterprise));
        setKey(enterprise, firm);
    }

    function testFuzz_only_a_registrar(address caller) external {
        if (caller == registrar) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        objections.setEnterpriseKey(1, caller);
    }
}
