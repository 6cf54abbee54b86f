// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IScoreBook} from "../src/interfaces/IScoreBook.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract RegisterCardTest is LedgerTest {
    function testFuzz_once_with_its_date(bytes32 card, uint32 effectiveOn, uint32 other) external {
        effectiveOn = uint32(bound(effectiveOn, 1, type(uint32).max));
        vm.assertEq(book.cardEffectiveOn(card), 0);
        vm.expectEmit(address(book));
        emit IScoreBook.CardRegistered(card, effectiveOn);
        registerCard(card, effectiveOn);
        vm.assertEq(book.cardEffectiveOn(card), effectiveOn);

        vm.expectRevert(abi.encodeWithSelector(IScoreBook.CardAlreadyRegistered.selector, card));
        registerCard(card, other);
        vm.assertEq(book.cardEffectiveOn(card), effectiveOn);
    }

    function test_refuses_day_zero() external {
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.InvalidEffectiveDate.selector, uint32(0), uint32(0)));
        registerCard("card", 0);
    }

    /// @dev What has been assessed is not assessed by other rules afterwards.
    function testFuzz_takes_effect_after_what_was_assessed(uint32 effectiveOn, uint32 asOf) external {
        registerCard("first", 1);
        asOf = uint32(bound(asOf, 1, TODAY));
        vm.prank(assessor);
        book.publish(1, "first", asOf, "root", 1, 0, 0, 0);
        if (effectiveOn <= asOf) {
            vm.expectRevert(abi.encodeWithSelector(IScoreBook.InvalidEffectiveDate.selector, effectiveOn, asOf));
        }
        registerCard("second", effectiveOn);
        vm.assertEq(book.cardEffectiveOn("second"), effectiveOn <= asOf ? 0 : effectiveOn);
    }

    function testFuzz_in_the_order_of_their_days(uint32 first, uint32 second) external {
        first = uint32(bound(first, 1, type(uint32).max));
        registerCard("first", first);
        vm.assertEq(book.latestCard(), "first");
        if (second == 0) second = 1;
        if (second <= first) {
            vm.expectRevert(abi.encodeWithSelector(IScoreBook.CardOutOfOrder.selector, second, first));
        }
        registerCard("second", second);
        vm.assertEq(book.cardSupersededOn("first"), second <= first ? 0 : second);
        vm.assertEq(book.cardSupersededOn("second"), 0);
        vm.assertEq(book.latestCard(), second <= first ? bytes32("first") : bytes32("second"));
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = assessor;
        expectUnauthorized(caller);
        vm.prank(caller);
        book.registerCard("card", 1);
    }

    function registerCard(bytes32 card, uint32 effectiveOn) private {
        vm.prank(governor);
        book.registerCard(card, effectiveOn);
    }
}
