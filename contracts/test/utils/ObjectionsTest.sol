// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../../src/interfaces/IObjections.sol";
import {LedgerTest} from "./LedgerTest.sol";
import {Answer, answerDigest} from "./TypedData.sol";

/// @notice The contract of objections beside the others: three enterprises, a record of customs about each, and a key for the
/// first.
abstract contract ObjectionsTest is LedgerTest {
    bytes32 internal constant GROUNDS = keccak256("statement");
    bytes32 internal constant ANSWER = keccak256("answer");
    uint64 internal constant RECORD = (1 << 48) | 1;

    IObjections internal objections;
    address internal firm = actor("firm");

    function setUp() public virtual override {
        super.setUp();
        deployObjections();
        register(3);
        vm.prank(customsKey);
        ledger.record(customs, 1, batch(3, 1));
        setKey(1, firm);
    }

    function deployObjections() internal {
        objections = IObjections(deploy("Objections.sol:Objections", abi.encode(ledger, manager)));
        allow(IObjections.setAnswerPeriod.selector, GOVERNOR);
        allow(IObjections.setEnterpriseKey.selector, REGISTRAR);
        allow(IObjections.openFor.selector, REGISTRAR);
    }

    function allow(bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        vm.prank(governor);
        manager.setTargetFunctionRole(address(objections), selectors, role);
    }

    function setKey(uint64 enterprise, address key) internal {
        vm.prank(registrar);
        objections.setEnterpriseKey(enterprise, key);
    }

    function openAsFirm() internal {
        vm.prank(firm);
        objections.open(1, RECORD, GROUNDS);
    }

    function answer(uint64 objection, IObjections.Outcome outcome) internal {
        vm.prank(customsKey);
        objections.answer(objection, outcome, ANSWER);
    }

    function setPeriod(uint32 period, uint32 from) internal {
        vm.prank(governor);
        objections.setAnswerPeriod(period, from);
    }

    function digestOfAnswer(
        uint64 objection,
        IObjections.Outcome outcome,
        bytes32 text,
        uint64 deadline
    ) internal view returns (bytes32) {
        return answerDigest(address(objections), answerOf(objection, outcome, text, deadline));
    }

    /// @dev An answer of customs to objection 1, the first enterprise's to the first record; by any other number, one to an
    /// objection that is not there. Makes no call to a contract.
    function answerOf(
        uint64 objection,
        IObjections.Outcome outcome,
        bytes32 text,
        uint64 deadline
    ) internal view returns (Answer memory) {
        (uint64 enterprise, uint64 id) = objection == 1 ? (uint64(1), RECORD) : (uint64(0), uint64(0));
        return Answer(objection, enterprise, "GACC", uint48(id), uint8(outcome), text, epochs[customs], deadline);
    }

    /// @dev Opened today, with the statutory period.
    function expectObjection(uint64 objection, uint64 by, uint64 about, IObjections.Outcome expected) internal view {
        (uint64 enterprise, uint64 id, uint32 openedOn, uint32 dueOn, IObjections.Outcome outcome) = objections
            .objectionAt(objection);
        vm.assertEq(enterprise, by);
        vm.assertEq(id, about);
        vm.assertEq(openedOn, TODAY);
        vm.assertEq(dueOn, TODAY + 20);
        vm.assertTrue(outcome == expected);
    }
}
