// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Deployer} from "./utils/Deployer.sol";
import {IMerkleLogHarness} from "./utils/IMerkleLogHarness.sol";
import {SlowTree} from "./utils/SlowTree.sol";

/// @notice The library held against RFC 6962 word for word, and against the roots published with it.
contract MerkleLogTest is Deployer {
    IMerkleLogHarness private log;
    bytes[] private leaves;

    function setUp() external {
        log = IMerkleLogHarness(deploy("MerkleLogHarness.sol:MerkleLogHarness", ""));
    }

    /// @dev Leaves and roots of the tests of google/certificate-transparency.
    function test_published_roots() external {
        string[8] memory data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", ""];
        data[7] = "606162636465666768696a6b6c6d6e6f";
        bytes32[8] memory roots = [
            bytes32(0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d),
            0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125,
            0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77,
            0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7,
            0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4,
            0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef,
            0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c,
            0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
        ];
        vm.assertEq(log.root(), 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855);
        for (uint256 i; i < 8; ++i) {
            appendBatch(1, vm.parseBytes(string.concat("0x", data[i])));
            vm.assertEq(log.root(), roots[i]);
        }
    }

    /// forge-config: default.fuzz.runs = 24
    /// @dev However the leaves are cut into batches, and whatever the slots held before.
    function testFuzz_root_after_any_batches(uint256 seed, bool prepared) external {
        if (prepared) log.prepare();
        while (leaves.length < 130) {
            seed = uint256(keccak256(abi.encode(seed)));
            appendBatch(1 + (seed % (seed % 3 == 0 ? 70 : 5)), abi.encode(seed));
            vm.assertEq(log.root(), SlowTree.root(leaves));
        }
    }

    function testFuzz_hashes(uint64 prefix, bytes32 left, bytes32 right, bytes calldata data) external view {
        vm.assertEq(log.nodeHash(left, right), SlowTree.nodeHash(left, right));
        vm.assertEq(log.leafHash(prefix, left), SlowTree.leafHash(abi.encodePacked(prefix, left)));
        vm.assertEq(log.leafHash(data), SlowTree.leafHash(data));
    }

    /// @dev The hashes borrow memory that is Solidity's: what was in it must be there afterwards.
    function testFuzz_hashing_leaves_memory_alone(bytes memory before, bytes32 left, bytes32 right) external view {
        (bytes memory same, bytes memory later) = log.hashBetween(before, left, right);
        vm.assertEq(same, before);
        vm.assertEq(later, bytes.concat(left, right));
    }

    /// @dev On a chain without the precompile, or with one that fails, nothing is hashed to what memory happens to hold.
    function test_a_precompile_that_fails_is_noticed() external {
        vm.mockCallRevert(address(2), "", "");
        refusesToHash();
        vm.clearMockedCalls();
        vm.mockCall(address(2), "", "");
        refusesToHash();
        vm.mockCall(address(2), "", new bytes(31));
        refusesToHash();
        vm.clearMockedCalls();
        log.leafHash(1, 0);
        log.nodeHash(0, 0);
    }

    function test_inclusion_of_every_leaf_up_to_seventy() external {
        for (uint256 size = 1; size <= 70; ++size) {
            appendBatch(1, abi.encode(size));
            uint256 step = size < 20 ? 1 : 7;
            for (uint256 i; i < size; i += step) {
                bytes32[] memory proof = SlowTree.path(leaves, i);
                bytes32 leaf = SlowTree.leafHash(leaves[i]);
                vm.assertTrue(log.verifyInclusion(leaf, i, size, proof, log.root()));
                for (uint256 other; other < size + 2; ++other) {
                    if (other != i) vm.assertFalse(log.verifyInclusion(leaf, other, size, proof, log.root()));
                }
            }
        }
    }

    function testFuzz_nothing_verifies_by_chance(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32[] calldata proof,
        bytes32 expected
    ) external view {
        vm.assertFalse(log.verifyInclusion(leaf, index, size, proof, expected));
    }

    function refusesToHash() private {
        vm.expectRevert(bytes(""));
        log.leafHash(1, 0);
        vm.expectRevert(bytes(""));
        log.nodeHash(0, 0);
    }

    function appendBatch(uint256 count, bytes memory data) private {
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            bytes memory leaf = count == 1 ? data : abi.encode(data, i);
            hashes[i] = SlowTree.leafHash(leaf);
            leaves.push(leaf);
        }
        log.append(hashes);
    }
}
