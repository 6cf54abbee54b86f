// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../src/interfaces/IObjections.sol";
import {AssessingActs} from "./utils/AssessingActs.sol";
import {Books} from "./utils/Books.sol";
import {World} from "./utils/Cast.sol";
import {Handler} from "./utils/Handler.sol";
import {ObjectingActs} from "./utils/ObjectingActs.sol";
import {ObjectionsTest} from "./utils/ObjectionsTest.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";
import {SlowTree} from "./utils/SlowTree.sol";

/// @notice What holds after any sequence of acts of governors, registrars, officers, enterprises, assessors and strangers.
///
///   1. Completeness: an enterprise's head is that of everything sent about it, and of everything logged about it.
///   2. Numbers: an authority's records are 1, 2, 3 ... without gap or repetition, and there are as many as it sent.
///   3. The log has one leaf per run, in the order of the runs, and its root is that of RFC 6962.
///   4. Nothing disappears: every tree head ever published is that of a prefix of the log as it is now.
///   5. Only the holder of a mandate writes: a model of the rights decides about each batch before it is sent, and
///      `authorize` says what the model says about every key.
///   6. One open objection per enterprise and record, answered by the authority that made the record; none disappears.
///   7. Assessments are 1, 2, 3 ... without gap, do not go back in time, and stay as they were published.
contract InvariantsTest is ObjectionsTest {
    Handler private handler;

    function setUp() public override {
        LedgerTest.setUp();
        deployObjections();
        handler = new Handler(World(authorities, ledger, objections, book, governor, registrar, assessor));
        handler.register((1 << 128) | (1 << 8) | 4); // five, so that the first acts get somewhere too
    }

    /// @dev Where forge finds what to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_heads_are_those_of_everything_sent_and_logged() external view {
        vm.assertEq(ledger.enterpriseCount(), handler.enterprises());
        for (uint64 e = 1; e <= handler.enterprises(); ++e) {
            vm.assertEq(ledger.head(e), handler.heads(e), "sent");
            vm.assertEq(ledger.head(e), handler.replayed(e), "logged");
        }
    }

    function invariant_numbers_are_consecutive() external view {
        for (uint16 authority = customs; authority <= market; ++authority) {
            vm.assertEq(ledger.recordCount(authority), handler.written(authority), "sent");
            vm.assertEq(ledger.recordCount(authority), handler.numbered(authority), "logged");
        }
    }

    function invariant_log_has_a_leaf_per_run_and_the_root_of_rfc6962() external view {
        bytes[] memory leaves = handler.allLeaves();
        vm.assertEq(ledger.logSize(), leaves.length);
        vm.assertEq(ledger.root(), SlowTree.root(leaves));
    }

    function invariant_nothing_disappears() external view {
        bytes[] memory leaves = handler.allLeaves();
        Books.TreeHead[] memory treeHeads = handler.allTreeHeads();
        for (uint256 i; i < treeHeads.length; ++i) {
            vm.assertLe(treeHeads[i].size, leaves.length, "the log has shrunk");
            vm.assertEq(treeHeads[i].root, SlowTree.rootAt(leaves, treeHeads[i].size), "the log has changed");
        }
    }

    function invariant_rights_are_those_that_the_governor_gave() external view {
        for (uint16 authority = customs; authority <= market; ++authority) {
            vm.assertEq(authorities.mandateNow(authority), handler.mandateOf(authority), "mandate");
            vm.assertEq(ledger.signatureEpoch(authority), handler.signatureEpoch(authority), "epoch");
            for (uint256 i; i < handler.WRITERS(); ++i) {
                address key = handler.writer(i);
                (bool good, bytes memory answer_) = address(authorities).staticcall(
                    abi.encodeCall(authorities.authorize, (authority, key))
                );
                bytes memory refusal = handler.refusalOf(authority, key);
                vm.assertTrue(good == (refusal.length == 0), "who may write");
                if (!good) vm.assertEq(answer_, refusal);
                else vm.assertEq(abi.decode(answer_, (uint256)), handler.mandateOf(authority), "what");
            }
        }
    }

    function invariant_one_open_objection_per_record() external view {
        ObjectingActs.Objection[] memory all = handler.allObjections();
        vm.assertEq(objections.objectionCount(), all.length);
        for (uint64 i; i < all.length; ++i) {
            (
                uint64 enterprise,
                uint64 recordId,
                uint32 openedOn,
                uint32 dueOn,
                IObjections.Outcome outcome
            ) = objections.objectionAt(i + 1);
            vm.assertEq(enterprise, all[i].enterprise);
            vm.assertEq(recordId, all[i].recordId);
            vm.assertEq(openedOn, all[i].openedOn);
            vm.assertEq(dueOn, all[i].openedOn + 20);
            vm.assertTrue(outcome == all[i].outcome, "outcome");
            vm.assertEq(objections.openObjection(enterprise, recordId), handler.openOf(enterprise, recordId));
            bool open = outcome == IObjections.Outcome.Open;
            if (open) vm.assertEq(objections.openObjection(enterprise, recordId), i + 1);
            vm.assertTrue(
                objections.overdue(i + 1) == (open && (block.timestamp + 8 hours) / 1 days > dueOn),
                "overdue"
            );
        }
    }

    function invariant_assessments_have_no_gap_and_stay() external view {
        AssessingActs.Assessment[] memory all = handler.allAssessments();
        vm.assertEq(book.epochCount(), all.length);
        for (uint64 i; i < all.length; ++i) {
            (bytes32 card, uint32 asOf, bytes32 root, uint64 count, , , ) = book.assessment(i + 1);
            vm.assertEq(card, all[i].card);
            vm.assertEq(asOf, all[i].asOf);
            vm.assertEq(root, all[i].root);
            vm.assertEq(count, all[i].count);
            vm.assertLe(i == 0 ? 0 : all[i - 1].asOf, asOf, "back in time");
        }
    }

    /// @dev That the handler gets anywhere: in a long sequence every act is taken, and is refused.
    function test_every_act_is_taken_and_refused() external {
        string[15] memory acts = [
            "register",
            "registerCard",
            "publish",
            "setMandate",
            "setSuspended",
            "setFourEyes",
            "setEnterpriseKey",
            "record",
            "recordSigned",
            "setKey",
            "invalidateSignatures",
            "open",
            "openFor",
            "answer",
            "answerSigned"
        ];
        for (uint256 i; i < 40; ++i) {
            for (uint256 j; j < acts.length; ++j) {
                act(acts[j], i, j < 7);
            }
            act("forge", i, false); // never taken
            if (i % 10 == 9) act("declareCompromised", i, false);
            handler.checkpoint();
            handler.pass(uint32(i) * 600);
        }
        for (uint256 j; j < acts.length; ++j) {
            vm.assertTrue(handler.taken(acts[j]) > 1, string.concat(acts[j], " is hardly ever taken"));
            vm.assertTrue(handler.refused(acts[j]) > 1, string.concat(acts[j], " is hardly ever refused"));
        }
        this.invariant_heads_are_those_of_everything_sent_and_logged();
        this.invariant_nothing_disappears();
        this.invariant_rights_are_those_that_the_governor_gave();
        this.invariant_one_open_objection_per_record();
        this.invariant_assessments_have_no_gap_and_stay();
    }

    function act(string memory name, uint256 round, bool single) private {
        uint256 seed = uint256(keccak256(abi.encode(name, round)));
        (bool good, bytes memory reason) = address(handler).call(
            single
                ? abi.encodeWithSignature(string.concat(name, "(uint256)"), seed)
                : abi.encodeWithSignature(string.concat(name, "(uint256,uint256)"), seed, seed >> 99)
        );
        vm.assertTrue(good, string.concat(name, ": ", string(reason)));
    }
}
