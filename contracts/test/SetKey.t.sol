// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract SetKeyTest is LedgerTest {
    address private successor = actor("successor");

    function testFuzz_valid_in_its_half_open_window(uint64 from, uint64 until, uint64 time) external {
        from = uint64(bound(from, 0, 1 << 40));
        until = uint64(bound(until, from, 1 << 41));
        time = uint64(bound(time, START, 1 << 41));
        vm.expectEmit(address(authorities));
        emit IAuthorities.KeySet(market, successor, from, until);
        set(successor, from, until);
        (uint64 from_, uint64 until_) = authorities.keyWindow(market, successor);
        vm.assertEq(from_, from);
        vm.assertEq(until_, until);

        vm.warp(time);
        if (from <= time && time < until) authorities.authorize(market, successor);
        else refuse(successor);
    }

    function test_edges_of_the_window() external {
        set(successor, uint64(START) + 10, uint64(START) + 20);
        vm.warp(START + 9);
        refuse(successor);
        vm.warp(START + 10);
        authorities.authorize(market, successor);
        vm.warp(START + 19);
        authorities.authorize(market, successor);
        vm.warp(START + 20);
        refuse(successor);
    }

    function test_rotation_keeps_both_until_the_old_one_ends() external {
        set(successor, uint64(START), NEVER);
        set(marketKey, uint64(START), uint64(START) + 50);
        authorities.authorize(market, successor);
        authorities.authorize(market, marketKey);
        vm.warp(START + 50);
        authorities.authorize(market, successor);
        refuse(marketKey);
    }

    function test_revocation_holds_at_once() external {
        set(marketKey, uint64(START) - 1000, uint64(START) - 500);
        refuse(marketKey);
        set(successor, uint64(START), uint64(START)); // an empty window is one too
        refuse(successor);
    }

    function test_a_key_is_a_key_of_its_authority_only() external {
        refuse(customsKey);
        set(customsKey, uint64(START), NEVER);
        authorities.authorize(market, customsKey);
    }

    function testFuzz_refuses_windows_that_end_before_they_begin(uint64 from, uint64 until) external {
        from = uint64(bound(from, 1, NEVER));
        until = uint64(bound(until, 0, from - 1));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidWindow.selector, from, until));
        set(successor, from, until);
    }

    function test_refuses_key_zero() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidKey.selector, address(0)));
        set(address(0), uint64(START), NEVER);
    }

    function test_unknown_authority() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(3)));
        vm.prank(governor);
        authorities.setKey(3, successor, uint64(START), NEVER);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(3)));
        authorities.authorize(3, successor);
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        authorities.setKey(market, caller, 0, NEVER);
    }

    function set(address key, uint64 from, uint64 until) private {
        vm.prank(governor);
        authorities.setKey(market, key, from, until);
    }

    function refuse(address key) private {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, market, key));
        authorities.authorize(market, key);
    }
}
