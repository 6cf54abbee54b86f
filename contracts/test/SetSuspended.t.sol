// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract SetSuspendedTest is LedgerTest {
    function test_suspends_and_lets_write_again() external {
        vm.expectEmit(address(authorities));
        emit IAuthorities.SuspensionSet(market, true);
        set(true);
        vm.assertTrue(authorities.suspended(market));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.Suspended.selector, market));
        authorities.authorize(market, marketKey);

        vm.expectEmit(address(authorities));
        emit IAuthorities.SuspensionSet(market, false);
        set(false);
        vm.assertFalse(authorities.suspended(market));
        authorities.authorize(market, marketKey);
    }

    function test_leaves_mandate_keys_and_the_other_authorities_alone() external {
        uint256 mandate = authorities.mandateNow(market);
        set(true);
        vm.assertEq(authorities.mandateNow(market), mandate);
        (, uint64 until) = authorities.keyWindow(market, marketKey);
        vm.assertEq(until, NEVER);
        vm.assertEq(mandateOf(customs, customsKey), ALL_TYPES);
    }

    function test_settings_can_change_while_suspended() external {
        set(true);
        vm.prank(governor);
        authorities.setMandate(market, 0xf0, 0, uint64(START));
        set(false);
        vm.assertEq(mandateOf(market, marketKey), 0xf0);
    }

    /// @dev The last word counts, however often it was given before.
    function testFuzz_the_last_word_counts(bool[] memory words) external {
        bool last;
        for (uint256 i; i < words.length; ++i) {
            set(last = words[i]);
        }
        vm.assertTrue(authorities.suspended(market) == last);
        if (last) vm.expectRevert(abi.encodeWithSelector(IAuthorities.Suspended.selector, market));
        authorities.authorize(market, marketKey);
    }

    function test_unknown_authority() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(3)));
        vm.prank(governor);
        authorities.setSuspended(3, true);
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        authorities.setSuspended(market, true);
    }

    function set(bool suspended) private {
        vm.prank(governor);
        authorities.setSuspended(market, suspended);
    }
}
