// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {Json} from "./utils/Json.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

/// @notice The contract against tests/vectors/batches.json, which the Python code is held against too: encoding, digest,
/// heads, leaves and roots of random batches, and calls that must be refused, each with its error and values.
contract VectorsTest is LedgerTest {
    Json private constant json = Json(address(vm));

    string private file;
    uint16 private authority;
    address private key;

    /// @dev A ledger of its own at the address, on the chain and at the time that the vectors' signatures are for.
    function setUp() public override {
        super.setUp();
        file = json.readFile("../tests/vectors/batches.json");
        vm.chainId(json.parseJsonUint(file, ".chain_id"));
        vm.warp(json.parseJsonUint(file, ".time"));
        authorities = IAuthorities(deploy("Authorities.sol:Authorities", abi.encode(manager)));
        bytes memory code = bytes.concat(vm.getCode("CreditLedger.sol:CreditLedger"), abi.encode(authorities, manager));
        vm.prank(json.parseJsonAddress(file, ".deployer"));
        ledger = ICreditLedger(create(code));
        vm.assertEq(address(ledger), json.parseJsonAddress(file, ".contract"));
        assignRoles();

        key = json.parseJsonAddress(file, ".key");
        bytes32 short = bytes32(bytes(json.parseJsonString(file, ".code")));
        authority = addAuthority(short, uint256(json.parseJsonBytes32(file, ".mandate")), key);
        vm.prank(registrar);
        ledger.register(1, json.parseJsonBytes32Array(file, ".commitments"));
    }

    function test_random_batches() public {
        for (uint256 i; exists(".batches", i); ++i) {
            string memory where = place(".batches", i);
            post(where, "");
            string[] memory moved = json.parseJsonKeys(file, string.concat(where, ".heads"));
            vm.assertTrue(moved.length != 0);
            for (uint256 j; j < moved.length; ++j) {
                bytes32 head = json.parseJsonBytes32(file, string.concat(where, ".heads.", moved[j]));
                vm.assertEq(ledger.head(uint64(json.parseUint(moved[j]))), head, where);
            }
            vm.assertEq(ledger.logSize(), json.parseJsonUint(file, string.concat(where, ".log_size")), where);
            vm.assertEq(ledger.root(), json.parseJsonBytes32(file, string.concat(where, ".root")), where);
        }
        vm.assertTrue(ledger.logSize() > 100);
    }

    function test_hostile_calls() external {
        test_random_batches();
        bytes32 root = ledger.root();
        uint256 count;
        for (; exists(".hostile", count); ++count) {
            string memory where = place(".hostile", count);
            post(where, json.parseJsonBytes(file, string.concat(where, ".revert")));
        }
        vm.assertTrue(count >= 40);
        vm.assertEq(ledger.root(), root);
    }

    function exists(string memory list, uint256 index) private view returns (bool) {
        return json.keyExistsJson(file, place(list, index));
    }

    function place(string memory list, uint256 index) private pure returns (string memory) {
        return string.concat(list, "[", json.toString(index), "]");
    }

    function post(string memory where, bytes memory refusal) private {
        uint48 firstNumber = uint48(json.parseJsonUint(file, string.concat(where, ".first_number")));
        uint64 deadline = uint64(json.parseJsonUint(file, string.concat(where, ".deadline")));
        bytes memory records = json.parseJsonBytes(file, string.concat(where, ".records"));
        bytes memory signature = json.parseJsonBytes(file, string.concat(where, ".signature"));
        if (refusal.length != 0) vm.expectRevert(refusal);
        ledger.recordSigned(authority, firstNumber, deadline, key, records, signature);
    }
}
