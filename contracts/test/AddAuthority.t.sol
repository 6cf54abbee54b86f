// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract AddAuthorityTest is LedgerTest {
    function test_numbers_are_consecutive_from_one() external {
        vm.assertEq(customs, 1);
        vm.assertEq(market, 2);
        vm.assertEq(addAuthority("US-CPSC", 2, stranger), 3);
        vm.assertEq(authorities.authorityCount(), 3);
        vm.assertEq(authorities.authorityOf("US-CPSC"), 3);
        vm.assertEq(authorities.authorityOf("EU-RAPEX"), 0);
    }

    function testFuzz_says_everything_in_events(uint256 mandate, address key, uint64 until) external {
        if (key == address(0)) key = stranger;
        until = uint64(bound(until, START, NEVER));

        vm.expectEmit(address(authorities));
        emit IAuthorities.AuthorityAdded(3, "STA");
        vm.expectEmit(address(authorities));
        emit IAuthorities.MandateSet(3, mandate, ~mandate, uint64(START));
        vm.expectEmit(address(authorities));
        emit IAuthorities.KeySet(3, key, uint64(START), until);
        vm.prank(governor);
        authorities.addAuthority("STA", mandate, ~mandate, key, until);

        vm.assertEq(authorities.mandateNow(3), mandate);
        vm.assertEq(authorities.weightyNow(3), ~mandate);
        (uint64 from, uint64 end) = authorities.keyWindow(3, key);
        vm.assertEq(from, START);
        vm.assertEq(end, until);
        vm.assertFalse(authorities.suspended(3));
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        authorities.addAuthority("STA", 2, 2, stranger, NEVER);
    }

    function test_refuses_a_code_that_is_taken() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.CodeTaken.selector, bytes32("SAMR"), market));
        addAuthorityAsGovernor("SAMR");
    }

    function test_accepts_plain_codes() external {
        addAuthorityAsGovernor("A");
        addAuthorityAsGovernor("0-9-Z");
        addAuthorityAsGovernor("KLMNOPQRSTUVWXYZ-012");
        vm.assertEq(authorities.authorityCount(), 5);
    }

    function test_refuses_other_codes() external {
        bytes32[9] memory bad = [
            bytes32(""),
            "sta",
            "ST A",
            "STA\n",
            "ST@",
            "ST[",
            "ST/",
            "ST:",
            bytes32(bytes7(hex"53544100535441"))
        ];
        for (uint256 i; i < bad.length; ++i) {
            refuseCode(bad[i]);
        }
        refuseCode("KLMNOPQRSTUVWXYZ-0123");
        refuseCode(bytes32(uint256(1)));
        refuseCode(bytes32("STA") | bytes32(uint256(0x41)));
    }

    /// @dev Against a slower rule: up to twenty plain bytes first, then zeros only.
    function testFuzz_codes(bytes32 code, uint256 length, uint256 spoiled) external {
        bytes memory alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
        bytes memory plain = new bytes(32);
        for (uint256 i; i < length % 22; ++i) {
            plain[i] = alphabet[uint8(code[i]) % alphabet.length];
        }
        // Every second time one byte is what it happens to be.
        if (spoiled % 2 == 1) plain[(spoiled >> 8) % 32] = code[0];

        bool ended;
        bool valid = plain[0] != 0 && plain[20] == 0;
        for (uint256 i; i < 32; ++i) {
            if (plain[i] == 0) ended = true;
            else valid = valid && !ended && contains(alphabet, plain[i]);
        }
        if (valid) addAuthorityAsGovernor(bytes32(plain));
        else refuseCode(bytes32(plain));
    }

    function test_refuses_key_zero() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidKey.selector, address(0)));
        vm.prank(governor);
        authorities.addAuthority("STA", 2, 2, address(0), NEVER);
    }

    function testFuzz_refuses_a_key_that_has_ended(uint64 until) external {
        until = uint64(bound(until, 0, START - 1));
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidWindow.selector, uint64(START), until));
        vm.prank(governor);
        authorities.addAuthority("STA", 2, 2, stranger, until);
    }

    function test_unknown_authority_has_nothing() external view {
        vm.assertEq(authorities.mandateNow(9), 0);
        (uint64 from, uint64 until) = authorities.keyWindow(9, customsKey);
        vm.assertEq(from, 0);
        vm.assertEq(until, 0);
        vm.assertFalse(authorities.suspended(9));
    }

    function addAuthorityAsGovernor(bytes32 code) private {
        vm.prank(governor);
        authorities.addAuthority(code, 2, 2, stranger, NEVER);
    }

    function refuseCode(bytes32 code) private {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidCode.selector, code));
        addAuthorityAsGovernor(code);
    }

    function contains(bytes memory text, bytes1 c) private pure returns (bool) {
        for (uint256 i; i < text.length; ++i) {
            if (text[i] == c) return true;
        }
        return false;
    }
}
