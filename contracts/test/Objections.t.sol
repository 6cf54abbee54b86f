// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {IObjections} from "../src/interfaces/IObjections.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";
import {DOMAIN_TYPEHASH} from "./utils/TypedData.sol";

contract ObjectionsTest is LedgerTest {
    bytes32 private constant GROUNDS = keccak256("statement");
    bytes32 private constant ANSWER = keccak256("answer");

    IObjections private objections;
    address private firm = actor("firm");
    uint64 private constant RECORD = (1 << 48) | 1;

    function setUp() public override {
        super.setUp();
        objections = IObjections(deploy("Objections.sol:Objections", abi.encode(ledger, manager)));
        allow(IObjections.setAnswerPeriod.selector, GOVERNOR);
        allow(IObjections.setEnterpriseKey.selector, REGISTRAR);
        allow(IObjections.openFor.selector, REGISTRAR);
        register(3);
        vm.prank(customsKey);
        ledger.record(customs, 1, batch(3, 1));
        vm.prank(registrar);
        objections.setEnterpriseKey(1, firm);
    }

    // ------------------------------------------------------------------ opening

    function test_the_enterprise_opens() external {
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionOpened(1, 1, RECORD, firm, TODAY, TODAY + 20, GROUNDS);
        openAsFirm();
        vm.assertEq(objections.objectionCount(), 1);
        vm.assertEq(objections.openObjection(1, RECORD), 1);
        state(1, IObjections.Outcome.Open);
    }

    function testFuzz_nobody_else_opens_for_it(address caller) external {
        if (caller == firm) caller = stranger;
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, uint64(1), caller));
        vm.prank(caller);
        objections.open(1, RECORD, GROUNDS);
    }

    function test_address_zero_does_not_speak_for_those_without_key() external {
        vm.prank(registrar);
        objections.setEnterpriseKey(1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, uint64(1), firm));
        vm.prank(firm);
        objections.open(1, RECORD, GROUNDS);
    }

    function test_a_registrar_opens_for_one_without_key() external {
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionOpened(1, 2, RECORD + 1, registrar, TODAY, TODAY + 20, GROUNDS);
        vm.prank(registrar);
        objections.openFor(2, RECORD + 1, GROUNDS);
        vm.expectRevert(abi.encodeWithSelector(IObjections.HasKey.selector, uint64(1), firm));
        vm.prank(registrar);
        objections.openFor(1, RECORD, GROUNDS);
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownEnterprise.selector, uint64(4)));
        vm.prank(registrar);
        objections.openFor(4, RECORD, GROUNDS);
    }

    function testFuzz_only_a_registrar_opens_for_others(address caller) external {
        if (caller == registrar) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        objections.openFor(2, RECORD, GROUNDS);
    }

    function test_records_that_are_not_there() external {
        unknown(recordId(1, 0));
        unknown(recordId(1, 4));
        unknown(recordId(2, 1));
        unknown(recordId(9, 1));
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
        vm.prank(registrar);
        objections.openFor(2, RECORD + 1, GROUNDS);
    }

    // ------------------------------------------------------------------ answering

    function testFuzz_the_authority_answers(uint8 outcome) external {
        IObjections.Outcome it = IObjections.Outcome(1 + (outcome % 3));
        openAsFirm();
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionAnswered(1, customsKey, it, ANSWER);
        answer(1, it);
        state(1, it);
        vm.assertEq(objections.openObjection(1, RECORD), 0);
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotOpen.selector, uint64(1)));
        answer(1, it);
    }

    function testFuzz_nobody_else_answers(address caller) external {
        if (caller == customsKey) caller = marketKey;
        openAsFirm();
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, caller));
        vm.prank(caller);
        objections.answer(1, IObjections.Outcome.Rejected, ANSWER);
    }

    function test_a_compromised_key_does_not_answer() external {
        openAsFirm();
        vm.prank(governor);
        authorities.declareCompromised(customs, customsKey, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAuthorities.KeyDeclaredCompromised.selector, customs, customsKey, uint64(1))
        );
        answer(1, IObjections.Outcome.Upheld);
    }

    function test_no_answer_is_none() external {
        openAsFirm();
        vm.expectRevert(abi.encodeWithSelector(IObjections.NoAnswer.selector));
        answer(1, IObjections.Outcome.Open);
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotOpen.selector, uint64(2)));
        answer(2, IObjections.Outcome.Upheld);
    }

    function test_anyone_relays_a_signed_answer() external {
        openAsFirm();
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, NEVER);
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionAnswered(1, customsKey, IObjections.Outcome.Upheld, ANSWER);
        relay(1, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
        vm.expectRevert(abi.encodeWithSelector(IObjections.NotOpen.selector, uint64(1)));
        relay(1, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
    }

    function test_a_signed_answer_covers_every_field() external {
        openAsFirm();
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, NEVER);
        invalid(2, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
        invalid(1, IObjections.Outcome.Rejected, NEVER, customsKey, signature);
        invalid(1, IObjections.Outcome.Upheld, NEVER - 1, customsKey, signature);
        invalid(1, IObjections.Outcome.Upheld, NEVER, marketKey, signature);
        vm.chainId(block.chainid + 1);
        invalid(1, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
    }

    function test_a_signed_answer_ends_with_its_deadline() external {
        openAsFirm();
        uint64 deadline = uint64(START) + 10;
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IObjections.SignatureExpired.selector, deadline));
        relay(1, IObjections.Outcome.Upheld, deadline, customsKey, signature);
        vm.warp(deadline);
        relay(1, IObjections.Outcome.Upheld, deadline, customsKey, signature);
    }

    function test_a_good_signature_by_a_key_of_another_authority() external {
        openAsFirm();
        bytes memory signature = signAnswer(marketSecret, 1, IObjections.Outcome.Upheld, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, marketKey));
        relay(1, IObjections.Outcome.Upheld, NEVER, marketKey, signature);
    }

    // ------------------------------------------------------------------ the clock

    function testFuzz_overdue_after_the_last_day(uint32 later) external {
        openAsFirm();
        later = uint32(bound(later, 0, 1000 days));
        vm.warp(START + later);
        uint256 day = (START + later + 8 hours) / 1 days;
        bool expected = day > TODAY + 20;
        vm.assertTrue(objections.overdue(1) == expected);
        answer(1, IObjections.Outcome.Upheld); // late is better than never
        vm.assertFalse(objections.overdue(1));
        vm.assertFalse(objections.overdue(2));
    }

    function test_another_period_from_a_day_on() external {
        vm.expectEmit(address(objections));
        emit IObjections.AnswerPeriodSet(15, TODAY + 2);
        period(15, TODAY + 2);
        vm.assertEq(objections.answerPeriod(), 20);
        openAsFirm();
        vm.warp(START + 2 days);
        vm.assertEq(objections.answerPeriod(), 15);
        vm.prank(firm);
        objections.open(1, RECORD + 1, GROUNDS);
        (, , , uint32 dueOn, ) = objections.objectionAt(1);
        vm.assertEq(dueOn, TODAY + 20);
        (, , , dueOn, ) = objections.objectionAt(2);
        vm.assertEq(dueOn, TODAY + 2 + 15);
    }

    function test_one_change_of_period_waits() external {
        period(15, TODAY + 9);
        vm.expectRevert(abi.encodeWithSelector(IObjections.PeriodWaiting.selector, TODAY + 9, TODAY + 10));
        period(10, TODAY + 10);
        period(30, TODAY + 5);
        vm.assertEq(objections.answerPeriod(), 20);
        vm.warp(START + 5 days);
        vm.assertEq(objections.answerPeriod(), 30);
        period(25, TODAY + 5);
        vm.assertEq(objections.answerPeriod(), 25);
    }

    function test_periods_that_are_none() external {
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidPeriod.selector, uint32(0), TODAY));
        period(0, TODAY);
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidPeriod.selector, uint32(9), TODAY - 1));
        period(9, TODAY - 1);
    }

    // ------------------------------------------------------------------ rights

    function testFuzz_only_the_governor_sets_the_period(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        objections.setAnswerPeriod(1, TODAY);
    }

    function testFuzz_only_a_registrar_sets_keys(address caller) external {
        if (caller == registrar) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        objections.setEnterpriseKey(1, caller);
    }

    function test_keys_are_of_registered_enterprises() external {
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownEnterprise.selector, uint64(4)));
        vm.prank(registrar);
        objections.setEnterpriseKey(4, firm);
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownEnterprise.selector, uint64(0)));
        vm.prank(registrar);
        objections.setEnterpriseKey(0, firm);
    }

    // ------------------------------------------------------------------ steps

    function allow(bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        vm.prank(governor);
        manager.setTargetFunctionRole(address(objections), selectors, role);
    }

    function openAsFirm() private {
        vm.prank(firm);
        objections.open(1, RECORD, GROUNDS);
    }

    function answer(uint64 objection, IObjections.Outcome outcome) private {
        vm.prank(customsKey);
        objections.answer(objection, outcome, ANSWER);
    }

    function signAnswer(
        uint256 secret,
        uint64 objection,
        IObjections.Outcome outcome,
        uint64 deadline
    ) private view returns (bytes memory) {
        bytes32 typehash = keccak256("ObjectionAnswer(uint64 objection,uint8 outcome,bytes32 answer,uint64 deadline)");
        bytes32 content = keccak256(abi.encode(typehash, objection, outcome, ANSWER, deadline));
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Objections"), keccak256("1"), block.chainid, address(objections))
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, keccak256(abi.encodePacked(hex"1901", domain, content)));
        return abi.encodePacked(r, s, v);
    }

    function relay(
        uint64 objection,
        IObjections.Outcome outcome,
        uint64 deadline,
        address key,
        bytes memory signature
    ) private {
        vm.prank(relayer);
        objections.answerSigned(objection, outcome, ANSWER, deadline, key, signature);
    }

    function invalid(
        uint64 objection,
        IObjections.Outcome outcome,
        uint64 deadline,
        address key,
        bytes memory signature
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidSignature.selector, key));
        relay(objection, outcome, deadline, key, signature);
    }

    function period(uint32 period_, uint32 from) private {
        vm.prank(governor);
        objections.setAnswerPeriod(period_, from);
    }

    function unknown(uint64 id) private {
        vm.expectRevert(abi.encodeWithSelector(IObjections.UnknownRecord.selector, id));
        vm.prank(firm);
        objections.open(1, id, GROUNDS);
    }

    function state(uint64 objection, IObjections.Outcome expected) private view {
        (uint64 enterprise, uint64 id, uint32 openedOn, uint32 dueOn, IObjections.Outcome outcome) = objections
            .objectionAt(objection);
        vm.assertEq(enterprise, 1);
        vm.assertEq(id, RECORD);
        vm.assertEq(openedOn, TODAY);
        vm.assertEq(dueOn, TODAY + 20);
        vm.assertTrue(outcome == expected);
    }
}
