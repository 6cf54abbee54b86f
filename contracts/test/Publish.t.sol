// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IScoreBook} from "../src/interfaces/IScoreBook.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract PublishTest is LedgerTest {
    bytes32 private constant CARD = keccak256("card of 2026");
    uint32 private constant EFFECTIVE = TODAY - 100;

    function setUp() public override {
        super.setUp();
        vm.prank(governor);
        book.registerCard(CARD, EFFECTIVE);
    }

    function testFuzz_anchors_an_assessment(
        uint32 asOf,
        bytes32 root,
        uint64 count,
        uint64 logSize,
        bytes32 headsRoot
    ) external {
        asOf = uint32(bound(asOf, EFFECTIVE, TODAY));
        uint64 atBlock = uint64(block.number);
        vm.expectEmit(address(book));
        emit IScoreBook.AssessmentPublished(1, CARD, asOf, root, count, atBlock, logSize, headsRoot);
        vm.prank(assessor);
        book.publish(1, CARD, asOf, root, count, atBlock, logSize, headsRoot);

        vm.assertEq(book.epochCount(), 1);
        vm.assertEq(stored(1), abi.encode(CARD, asOf, root, count, atBlock, logSize, headsRoot));
        vm.assertEq(stored(2), new bytes(7 * 32));
    }

    function testFuzz_refuses_a_block_to_come(uint64 atBlock) external {
        uint64 present = uint64(block.number);
        atBlock = uint64(bound(atBlock, present + 1, type(uint64).max));
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.BlockInFuture.selector, atBlock, present));
        vm.prank(assessor);
        book.publish(1, CARD, TODAY, 0, 0, atBlock, 0, 0);
    }

    function testFuzz_a_card_holds_until_the_next_one(uint32 next, uint32 asOf) external {
        next = uint32(bound(next, EFFECTIVE + 1, TODAY));
        asOf = uint32(bound(asOf, next, TODAY));
        vm.prank(governor);
        book.registerCard("next", next);
        publish(1, CARD, next - 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.CardSuperseded.selector, CARD, next, asOf));
        publish(2, CARD, asOf, 0, 0);
        publish(2, "next", asOf, 0, 0);
    }

    function test_later_assessments_leave_earlier_ones_alone() external {
        publish(1, CARD, TODAY - 1, "first", 1);
        publish(2, CARD, TODAY - 1, "second", 2); // the same day again is no step back
        publish(3, CARD, TODAY, "third", 3);
        (, , bytes32 root, uint64 count, , , ) = book.assessment(1);
        vm.assertEq(root, "first");
        vm.assertEq(count, 1);
        vm.assertEq(book.epochCount(), 3);
    }

    function testFuzz_refuses_any_epoch_but_the_next(uint64 epoch) external {
        publish(1, CARD, TODAY, 0, 0);
        if (epoch == 2) epoch = 1;
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.WrongEpoch.selector, uint64(2)));
        publish(epoch, CARD, TODAY, 0, 0);
    }

    function testFuzz_refuses_an_unknown_card(bytes32 card) external {
        if (card == CARD) card = 0;
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.UnknownCard.selector, card));
        publish(1, card, TODAY, 0, 0);
    }

    function testFuzz_refuses_a_card_before_its_time(uint32 asOf) external {
        asOf = uint32(bound(asOf, 0, EFFECTIVE - 1));
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.CardNotEffective.selector, CARD, EFFECTIVE, asOf));
        publish(1, CARD, asOf, 0, 0);
    }

    function testFuzz_refuses_to_go_back(uint32 previous, uint32 asOf) external {
        previous = uint32(bound(previous, EFFECTIVE + 1, TODAY));
        asOf = uint32(bound(asOf, EFFECTIVE, previous - 1));
        publish(1, CARD, previous, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.AsOfBeforePrevious.selector, asOf, previous));
        publish(2, CARD, asOf, 0, 0);
    }

    function testFuzz_refuses_a_day_to_come(uint32 asOf) external {
        asOf = uint32(bound(asOf, TODAY + 1, type(uint32).max));
        vm.expectRevert(abi.encodeWithSelector(IScoreBook.AsOfInFuture.selector, asOf, TODAY));
        publish(1, CARD, asOf, 0, 0);
    }

    function testFuzz_only_the_assessor(address caller) external {
        if (caller == assessor) caller = governor;
        expectUnauthorized(caller);
        vm.prank(caller);
        book.publish(1, CARD, TODAY, 0, 0, 0, 0, 0);
    }

    function publish(uint64 epoch, bytes32 card, uint32 asOf, bytes32 root, uint64 count) private {
        vm.prank(assessor);
        book.publish(epoch, card, asOf, root, count, 0, 0, 0);
    }

    /// @dev An assessment as the book has it, its parts in order.
    function stored(uint64 epoch) private view returns (bytes memory) {
        (bool good, bytes memory found) = address(book).staticcall(abi.encodeCall(IScoreBook.assessment, (epoch)));
        vm.assertTrue(good);
        return found;
    }
}
