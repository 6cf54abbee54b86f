// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {LedgerTest, Record} from "./utils/LedgerTest.sol";
import {Wallet} from "./utils/Wallet.sol";

/// @notice Serious records by two officers: an authority that asks for it takes them from a wallet only.
contract SetFourEyesTest is LedgerTest {
    uint256 private firstSecret = uint256(keccak256("first officer"));
    uint256 private secondSecret = uint256(keccak256("second officer"));
    Wallet private wallet;

    function setUp() public override {
        super.setUp();
        register(3);
        wallet = new Wallet(vm.addr(firstSecret), vm.addr(secondSecret));
        vm.prank(governor);
        authorities.setKey(customs, address(wallet), uint64(START), NEVER);
        require_(true);
    }

    function test_says_so() external {
        vm.assertTrue(authorities.fourEyes(customs));
        vm.assertFalse(authorities.fourEyes(market));
        vm.expectEmit(address(authorities));
        emit IAuthorities.FourEyesSet(customs, false);
        require_(false);
        vm.assertFalse(authorities.fourEyes(customs));
    }

    function test_an_account_writes_no_weighty_record() external {
        bytes memory records = bytes.concat(ofType(1, 2), ofType(1, 1));
        bytes memory signature = sign(customsSecret, customs, 1, NEVER, records);
        needsWallet(1);
        vm.prank(customsKey);
        ledger.record(customs, 1, records);
        needsWallet(1);
        ledger.recordSigned(customs, 1, NEVER, customsKey, records, signature);
    }

    /// @dev The writer's word makes nothing lighter or heavier than its type is.
    function testFuzz_the_severity_in_a_record_does_not_count(uint8 severity) external {
        Record memory it = event_(1);
        (it.kind, it.severity) = (2, uint8(bound(severity, 0, 3)));
        vm.prank(customsKey);
        ledger.record(customs, 1, pack(it));
        it.kind = 1;
        needsWallet(0);
        vm.prank(customsKey);
        ledger.record(customs, 2, pack(it));
    }

    function test_which_types_are_weighty_changes_with_the_mandate() external {
        vm.prank(governor);
        authorities.setMandate(customs, ALL_TYPES, 1 << 2, uint64(START) + 10);
        vm.prank(customsKey);
        ledger.record(customs, 1, ofType(1, 2));
        vm.warp(START + 10);
        needsWallet(0);
        vm.prank(customsKey);
        ledger.record(customs, 2, ofType(1, 2));
        vm.prank(customsKey);
        ledger.record(customs, 2, ofType(1, 1));
    }

    /// @dev A revocation has no severity of its own, and undoes a serious record all the same.
    function testFuzz_an_account_writes_events_only(uint8 kind) external {
        vm.prank(customsKey);
        ledger.record(customs, 1, ofType(1, 2));
        Record memory it = event_(1);
        it.kind = uint16(bound(kind, 240, 255));
        it.ref = it.kind < 248 ? recordId(customs, 1) : 2;
        needsWallet(0);
        vm.prank(customsKey);
        ledger.record(customs, 2, pack(it));
    }

    function testFuzz_there_is_no_severity_above_three(uint8 severity, bool required) external {
        severity = uint8(bound(severity, 4, 255));
        require_(required);
        Record memory it = event_(1);
        (it.kind, it.severity) = (2, severity);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSeverity.selector, 0, severity));
        vm.prank(customsKey);
        ledger.record(customs, 1, pack(it));
    }

    function test_two_officers_write_it() external {
        bytes memory records = ofType(1, 1);
        bytes memory one = sign(firstSecret, customs, 1, NEVER, records);
        bytes memory both = bytes.concat(one, sign(secondSecret, customs, 1, NEVER, records));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(wallet)));
        ledger.recordSigned(customs, 1, NEVER, address(wallet), records, one);
        ledger.recordSigned(customs, 1, NEVER, address(wallet), records, both);
        vm.assertEq(ledger.recordCount(customs), 1);
    }

    function test_an_account_writes_it_where_nobody_asks_for_two() external {
        require_(false);
        vm.prank(customsKey);
        ledger.record(customs, 1, ofType(1, 1));
    }

    function test_another_authority_is_not_concerned() external {
        vm.prank(marketKey);
        ledger.record(market, 1, ofType(1, 1));
    }

    /// @dev EIP-7702: such an account runs code, and one officer's key still speaks for it.
    function test_an_account_that_delegates_is_no_wallet() external {
        vm.etch(customsKey, abi.encodePacked(hex"ef0100", address(wallet)));
        needsWallet(0);
        vm.prank(customsKey);
        ledger.record(customs, 1, ofType(1, 1));
    }

    function test_the_authority_is_known() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(3)));
        vm.prank(governor);
        authorities.setFourEyes(3, true);
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        authorities.setFourEyes(customs, false);
    }

    function ofType(uint64 enterprise, uint16 kind) private pure returns (bytes memory) {
        Record memory it = event_(enterprise);
        it.kind = kind;
        return pack(it);
    }

    function require_(bool required) private {
        vm.prank(governor);
        authorities.setFourEyes(customs, required);
    }

    function needsWallet(uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.NeedsWallet.selector, index));
    }
}
