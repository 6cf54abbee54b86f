// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";
import {SlowTree} from "./utils/SlowTree.sol";

contract CheckpointTest is LedgerTest {
    function test_an_empty_log_has_the_hash_of_nothing() external {
        expectTreeHead(0, 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855);
        ledger.checkpoint();
    }

    function test_anyone_may_and_as_often_as_they_like() external {
        register(3);
        vm.prank(customsKey);
        ledger.record(customs, 1, batch(3, 2));
        bytes[] memory leaves = new bytes[](3);
        for (uint64 e = 1; e <= 3; ++e) {
            leaves[e - 1] = abi.encodePacked(e, ledger.head(e));
        }
        bytes32 root = SlowTree.root(leaves);
        for (uint256 i; i < 2; ++i) {
            expectTreeHead(3, root);
            vm.prank(stranger);
            vm.assertEq(ledger.checkpoint(), root);
        }
        vm.assertEq(ledger.root(), root);
        vm.assertEq(ledger.logSize(), 3);
    }

    /// @dev Whatever was written, by whomever it is asked for, and without a change to what it publishes.
    function testFuzz_publishes_the_log_as_it_is(uint256 seed, address caller) external {
        register(9);
        bytes[] memory leaves = new bytes[](4);
        for (uint48 i; i < 4; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 enterprise = uint64(1 + (seed % 9));
            vm.prank(customsKey);
            ledger.record(customs, i + 1, pack(event_(enterprise)));
            leaves[i] = abi.encodePacked(enterprise, ledger.head(enterprise));
            bytes32 root = SlowTree.rootAt(leaves, i + 1);
            expectTreeHead(i + 1, root);
            vm.prank(caller);
            vm.assertEq(ledger.checkpoint(), root);
        }
    }

    function expectTreeHead(uint64 size, bytes32 root) private {
        vm.expectEmit(address(ledger));
        emit ICreditLedger.TreeHead(size, root);
    }
}
