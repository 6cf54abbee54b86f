// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {IObjections} from "../../src/interfaces/IObjections.sol";
import {ObjectionsTest} from "./ObjectionsTest.sol";

/// @notice What holds for an answer whichever way it comes in. Each path runs all of it, on objection 1: the first
/// enterprise's, to the first record of customs.
abstract contract AnswerScenarios is ObjectionsTest {
    function setUp() public virtual override {
        super.setUp();
        openAsFirm();
    }

    /// @dev The key that answers for an authority on this path.
    function keyOf(uint16 authority) internal view virtual returns (address);

    /// @dev Hand in an answer by the authority's key. Makes no other call to a contract.
    function submit(uint16 authority, uint64 objection, IObjections.Outcome outcome) internal virtual;

    function testFuzz_the_authority_answers_once(uint256 which) external {
        IObjections.Outcome outcome = IObjections.Outcome(1 + (which % 3));
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionAnswered(1, keyOf(customs), outcome, ANSWER);
        submit(customs, 1, outcome);
        expectObjection(1, 1, RECORD, outcome);
        vm.assertEq(objections.openObjection(1, RECORD), 0);
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotOpen.selector, uint64(1)));
        submit(customs, 1, IObjections.Outcome(1 + ((which >> 8) % 3)));
    }

    function test_another_authority_does_not() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, keyOf(market)));
        submit(market, 1, IObjections.Outcome.Upheld);
    }

    function test_a_suspended_authority_does_not() external {
        vm.prank(governor);
        authorities.setSuspended(customs, true);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.Suspended.selector, customs));
        submit(customs, 1, IObjections.Outcome.Upheld);
    }

    function test_a_compromised_key_does_not() external {
        address key = keyOf(customs);
        vm.prank(governor);
        authorities.declareCompromised(customs, key, 1);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyDeclaredCompromised.selector, customs, key, uint64(1)));
        submit(customs, 1, IObjections.Outcome.Upheld);
    }

    function testFuzz_there_is_no_such_objection(uint64 objection) external {
        if (objection == 1) objection = 2;
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotOpen.selector, objection));
        submit(customs, objection, IObjections.Outcome.Upheld);
    }

    function test_no_answer_is_none() external {
        vm.expectRevert(abi.encodeWithSelector(IObjections.NoAnswer.selector));
        submit(customs, 1, IObjections.Outcome.Open);
    }

    function testFuzz_overdue_after_the_last_day(uint32 later) external {
        later = uint32(bound(later, 0, 1000 days));
        vm.warp(START + later);
        bool expected = (START + later + 8 hours) / 1 days > TODAY + 20;
        vm.assertTrue(objections.overdue(1) == expected);
        submit(customs, 1, IObjections.Outcome.Upheld); // late is better than never
        vm.assertFalse(objections.overdue(1));
        vm.assertFalse(objections.overdue(2));
    }

    function test_the_last_second_that_is_in_time() external {
        uint256 end = uint256(TODAY + 21) * 1 days - 8 hours;
        vm.warp(end - 1);
        vm.assertFalse(objections.overdue(1));
        vm.warp(end);
        vm.assertTrue(objections.overdue(1));
    }

    function signAnswer(
        uint256 secret,
        uint64 objection,
        IObjections.Outcome outcome,
        uint64 deadline
    ) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digestOfAnswer(objection, outcome, ANSWER, deadline));
        return abi.encodePacked(r, s, v);
    }

    function relay(
        uint64 objection,
        IObjections.Outcome outcome,
        uint64 deadline,
        address key,
        bytes memory signature
    ) internal {
        vm.prank(relayer);
        objections.answerSigned(objection, outcome, ANSWER, deadline, key, signature);
    }
}
