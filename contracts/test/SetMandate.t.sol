// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract SetMandateTest is LedgerTest {
    struct Change {
        uint256 mandate;
        uint64 from;
    }

    /// @dev What the events have said so far.
    Change[] private changes;

    function test_holds_from_its_second_on() external {
        set(0xf0, uint64(START) + 100);
        uint256 before = (1 << 1) | (1 << 2) | (1 << 240);
        vm.assertEq(authorities.mandateNow(market), before);
        vm.warp(START + 99);
        vm.assertEq(authorities.mandateNow(market), before);
        vm.assertEq(mandateOf(market, marketKey), before);
        vm.warp(START + 100);
        vm.assertEq(authorities.mandateNow(market), 0xf0);
        vm.assertEq(mandateOf(market, marketKey), 0xf0);
    }

    function testFuzz_emits(uint256 mandate, uint64 from) external {
        from = uint64(bound(from, START, NEVER));
        vm.expectEmit(address(authorities));
        emit IAuthorities.MandateSet(market, mandate, ~mandate, from);
        set(mandate, from);
    }

    function test_a_waiting_change_is_replaced_by_an_earlier_one() external {
        set(0xf0, uint64(START) + 100);
        set(0x0f, uint64(START) + 50);
        vm.warp(START + 50);
        vm.assertEq(authorities.mandateNow(market), 0x0f);
        vm.warp(START + 100);
        vm.assertEq(authorities.mandateNow(market), 0x0f);
    }

    function test_a_waiting_change_is_replaced_by_one_for_the_same_time() external {
        set(0xf0, uint64(START) + 100);
        set(0x0f, uint64(START) + 100);
        vm.warp(START + 100);
        vm.assertEq(authorities.mandateNow(market), 0x0f);
    }

    function test_a_second_change_may_not_wait_behind_the_first() external {
        set(0xf0, uint64(START) + 100);
        vm.expectRevert(
            abi.encodeWithSelector(IAuthorities.MandateWaiting.selector, uint64(START) + 100, uint64(START) + 101)
        );
        set(0x0f, uint64(START) + 101);
        // Taking the first back makes room.
        set(0x0f, uint64(START));
        set(0xff, uint64(START) + 101);
        vm.assertEq(authorities.mandateNow(market), 0x0f);
        vm.warp(START + 101);
        vm.assertEq(authorities.mandateNow(market), 0xff);
    }

    function testFuzz_not_for_the_past(uint64 from) external {
        from = uint64(bound(from, 0, START - 1));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.MandateInPast.selector, from, uint64(START)));
        set(2, from);
    }

    function testFuzz_unknown_authority(uint16 authority) external {
        authority = uint16(bound(authority, 3, type(uint16).max));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, authority));
        vm.prank(governor);
        authorities.setMandate(authority, 2, 2, uint64(START));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(0)));
        vm.prank(governor);
        authorities.setMandate(0, 2, 2, uint64(START));
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        authorities.setMandate(market, 2, 2, uint64(START));
    }

    /// @dev The interface promises: at t, the last change in log order with `from <= t`. Held for any sequence.
    function testFuzz_replay_of_the_events_tells_the_mandate(uint256 seed) external {
        set(authorities.mandateNow(market), uint64(START));
        changes.push(Change(authorities.mandateNow(market), uint64(START)));
        uint256 time = START;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            Change memory change = Change(seed, uint64(time + ((seed >> 8) % 40)));
            vm.prank(governor);
            try authorities.setMandate(market, change.mandate, ~change.mandate, change.from) {
                changes.push(change);
            } catch (bytes memory reason) {
                vm.assertEq(bytes32(bytes4(reason)), bytes32(IAuthorities.MandateWaiting.selector));
            }
            vm.assertEq(authorities.mandateNow(market), replayed(time));
            vm.assertEq(authorities.weightyNow(market), ~replayed(time));
            time += (seed >> 16) % 25;
            vm.warp(time);
            vm.assertEq(authorities.mandateNow(market), replayed(time));
        }
    }

    function replayed(uint256 time) private view returns (uint256 mandate) {
        for (uint256 i; i < changes.length; ++i) {
            if (changes[i].from <= time) mandate = changes[i].mandate;
        }
    }

    function set(uint256 mandate, uint64 from) private {
        vm.prank(governor);
        authorities.setMandate(market, mandate, ~mandate, from);
    }
}
