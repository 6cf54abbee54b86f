// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../src/interfaces/IObjections.sol";
import {ObjectionsTest} from "./utils/ObjectionsTest.sol";

contract SetAnswerPeriodTest is ObjectionsTest {
    struct Change {
        uint32 period;
        uint32 from;
    }

    /// @dev What the events have said so far.
    Change[] private changes;

    function test_another_period_from_a_day_on() external {
        vm.expectEmit(address(objections));
        emit IObjections.AnswerPeriodSet(15, TODAY + 2);
        setPeriod(15, TODAY + 2);
        vm.assertEq(objections.answerPeriod(), 20);
        openAsFirm();
        vm.warp(uint256(TODAY + 2) * 1 days - 8 hours - 1);
        vm.assertEq(objections.answerPeriod(), 20);
        vm.warp(uint256(TODAY + 2) * 1 days - 8 hours);
        vm.assertEq(objections.answerPeriod(), 15);
        vm.prank(firm);
        objections.open(1, RECORD + 1, GROUNDS);
        (, , , uint32 dueOn, ) = objections.objectionAt(1);
        vm.assertEq(dueOn, TODAY + 20);
        (, , , dueOn, ) = objections.objectionAt(2);
        vm.assertEq(dueOn, TODAY + 2 + 15);
    }

    /// @dev The bounds themselves: a random period hardly ever meets them.
    function test_is_a_day_to_sixty() external {
        has_bounds(0);
        has_bounds(61);
        has_bounds(type(uint32).max);
        has_bounds(1);
    }

    function test_is_sixty_days_at_the_longest() external {
        has_bounds(60);
    }

    function testFuzz_has_bounds(uint32 period) external {
        has_bounds(period);
    }

    function has_bounds(uint32 period) private {
        if (period == 0 || period > 60) {
            vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidPeriod.selector, period, TODAY));
        }
        setPeriod(period, TODAY);
        vm.assertTrue(objections.answerPeriod() == (period == 0 || period > 60 ? 20 : period));
    }

    function test_one_change_waits() external {
        setPeriod(15, TODAY + 9);
        vm.expectRevert(abi.encodeWithSelector(IObjections.PeriodWaiting.selector, TODAY + 9, TODAY + 10));
        setPeriod(10, TODAY + 10);
        setPeriod(30, TODAY + 5);
        vm.assertEq(objections.answerPeriod(), 20);
        vm.warp(START + 5 days);
        vm.assertEq(objections.answerPeriod(), 30);
        setPeriod(25, TODAY + 5);
        vm.assertEq(objections.answerPeriod(), 25);
    }

    /// @dev At any day, the last change in log order that has begun. Held for any sequence.
    function testFuzz_replay_of_the_events_tells_the_period(uint256 seed) external {
        changes.push(Change(20, TODAY));
        uint32 day = TODAY;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            Change memory change = Change(1 + uint32(seed % 60), day + uint32((seed >> 8) % 6));
            vm.prank(governor);
            try objections.setAnswerPeriod(change.period, change.from) {
                changes.push(change);
            } catch (bytes memory reason) {
                vm.assertEq(bytes32(bytes4(reason)), bytes32(IObjections.PeriodWaiting.selector));
            }
            vm.assertEq(objections.answerPeriod(), replayed(day));
            day += uint32((seed >> 16) % 4);
            vm.warp(uint256(day) * 1 days);
            vm.assertEq(objections.answerPeriod(), replayed(day));
        }
    }

    function testFuzz_not_for_the_past_and_not_zero(uint32 period, uint32 from) external {
        if (period != 0) from = uint32(bound(from, 0, TODAY - 1));
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidPeriod.selector, period, from));
        setPeriod(period, from);
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidPeriod.selector, uint32(0), TODAY));
        setPeriod(0, TODAY);
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        objections.setAnswerPeriod(1, TODAY);
    }

    function test_deployment_says_the_statutory_period_and_refuses_an_address_without_code() external {
        bytes memory code = vm.getCode("Objections.sol:Objections");
        vm.expectEmit();
        emit IObjections.AnswerPeriodSet(20, TODAY);
        IObjections other = IObjections(create(bytes.concat(code, abi.encode(ledger, manager))));
        vm.assertEq(other.answerPeriod(), 20);
        vm.assertEq(address(other.ledger()), address(ledger));
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotAContract.selector, stranger));
        create(bytes.concat(code, abi.encode(stranger, manager)));
    }

    function replayed(uint32 day) private view returns (uint32 period) {
        for (uint256 i; i < changes.length; ++i) {
            if (changes[i].from <= day) period = changes[i].period;
        }
    }
}
