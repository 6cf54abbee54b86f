// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {LedgerTest} from "./utils/LedgerTest.sol";
import {SlowTree} from "./utils/SlowTree.sol";

contract VerifyScoreTest is LedgerTest {
    struct Score {
        uint64 enterprise;
        uint32 milli;
        uint8 grade;
    }

    bytes32 private constant CARD = keccak256("card of 2026");

    function setUp() public override {
        super.setUp();
        vm.prank(governor);
        book.registerCard(CARD, TODAY);
    }

    function test_every_leaf_of_every_size() external {
        for (uint64 size = 1; size <= 33; ++size) {
            bytes[] memory leaves = publish(size);
            for (uint64 i; i < size; ++i) {
                bytes32[] memory proof = SlowTree.path(leaves, i);
                vm.assertTrue(verify(size, score(i), i, proof));
                if (size > 1) vm.assertFalse(verify(size, score(i), (i + 1) % size, proof));
            }
        }
    }

    function testFuzz_nothing_else_verifies(uint64 size, uint64 index, uint256 seed) external {
        size = uint64(bound(size, 2, 40));
        index = uint64(bound(index, 0, size - 1));
        bytes[] memory leaves = publish(size);
        bytes32[] memory proof = SlowTree.path(leaves, index);
        Score memory s = score(index);
        vm.assertTrue(verify(1, s, index, proof), "the honest one");

        vm.assertFalse(verify(1, Score(s.enterprise + 1, s.milli, s.grade), index, proof), "another enterprise");
        vm.assertFalse(verify(1, Score(s.enterprise, s.milli + 1, s.grade), index, proof), "another score");
        vm.assertFalse(verify(1, Score(s.enterprise, s.milli, (s.grade % 5) + 1), index, proof), "another grade");
        vm.assertFalse(verify(1, s, size, proof), "an index behind the end");
        vm.assertFalse(verify(1, s, type(uint64).max, proof), "the last index there is");
        vm.assertFalse(verify(0, s, index, proof), "epoch 0");
        vm.assertFalse(verify(2, s, index, proof), "an epoch to come");

        vm.assertFalse(verify(1, s, index, resize(proof, proof.length - 1)), "a hash too few");
        vm.assertFalse(verify(1, s, index, resize(proof, proof.length + 1)), "a hash too many");
        proof[seed % proof.length] ^= bytes32(1 << (seed % 256));
        vm.assertFalse(verify(1, s, index, proof), "a flipped bit");
    }

    function test_nothing_verifies_in_an_empty_assessment() external {
        anchor(sha256(""), 0);
        vm.assertFalse(verify(1, score(0), 0, new bytes32[](0)));
    }

    function score(uint64 index) private pure returns (Score memory) {
        bytes32 h = keccak256(abi.encode(index));
        return Score(index * 3 + 1, uint32(uint256(h) % 100_001), uint8(uint256(h >> 128) % 5) + 1);
    }

    /// @dev An assessment with the scores 0..`size`.
    function publish(uint64 size) private returns (bytes[] memory leaves) {
        leaves = new bytes[](size);
        for (uint64 i; i < size; ++i) {
            Score memory s = score(i);
            leaves[i] = abi.encodePacked(s.enterprise, s.milli, s.grade);
        }
        anchor(SlowTree.root(leaves), size);
    }

    /// @dev A function of its own, so that no hash is computed (by a call to a precompile) between prank and call.
    function anchor(bytes32 root, uint64 size) private {
        uint64 epoch = book.epochCount() + 1;
        vm.prank(assessor);
        book.publish(epoch, CARD, TODAY, root, size, 0, 0, 0);
    }

    function verify(uint64 epoch, Score memory s, uint64 index, bytes32[] memory proof) private view returns (bool) {
        return book.verifyScore(epoch, s.enterprise, s.milli, s.grade, index, proof);
    }

    function resize(bytes32[] memory hashes, uint256 length) private pure returns (bytes32[] memory other) {
        other = new bytes32[](length);
        for (uint256 i; i < length && i < hashes.length; ++i) {
            other[i] = hashes[i];
        }
    }
}
