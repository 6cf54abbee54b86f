// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Handler} from "./utils/Handler.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";
import {SlowTree} from "./utils/SlowTree.sol";

/// @notice What holds after any sequence of registrations, batches, repetitions, forgeries and suspensions.
///
///   1. Completeness: an enterprise's head is that of everything sent about it, and of everything logged about it.
///   2. Numbers: an authority's records are 1, 2, 3 ... without gap or repetition, and there are as many as it sent.
///   3. The log has one leaf per run, in the order of the runs, and its root is that of RFC 6962.
///   4. Nothing disappears: every tree head ever published is that of a prefix of the log as it is now.
contract InvariantsTest is LedgerTest {
    Handler private handler;

    function setUp() public override {
        super.setUp();
        handler = new Handler(ledger, governor, registrar, customsSecret, marketSecret);
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
        Handler.TreeHead[] memory treeHeads = handler.allTreeHeads();
        for (uint256 i; i < treeHeads.length; ++i) {
            vm.assertLe(treeHeads[i].size, leaves.length, "the log has shrunk");
            vm.assertEq(treeHeads[i].root, SlowTree.rootAt(leaves, treeHeads[i].size), "the log has changed");
        }
    }

    /// @dev That the handler gets anywhere: a sequence in which everything happens is in the books afterwards.
    function test_the_handler_does_what_it_says() external {
        handler.register(4);
        for (uint256 i; i < 20; ++i) {
            handler.record(uint256(keccak256(abi.encode(i))), i % 2 == 0);
            handler.misnumber(i, i % 2 == 0);
            handler.forge(i, i % 2 == 0);
            handler.spoil(i, i % 2 == 0);
            handler.checkpoint();
            handler.pass(1 hours);
        }
        vm.assertEq(handler.allBatches().length, 20);
        vm.assertEq(handler.allTreeHeads().length, 20);
        vm.assertTrue(handler.allLeaves().length >= 20);
        this.invariant_heads_are_those_of_everything_sent_and_logged();
        this.invariant_nothing_disappears();
    }
}
