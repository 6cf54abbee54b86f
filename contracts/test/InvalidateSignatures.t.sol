// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract InvalidateSignaturesTest is LedgerTest {
    function setUp() public override {
        super.setUp();
        register(2);
    }

    function test_cancels_what_is_out_and_lets_new_signatures_pass() external {
        bytes memory records = pack(event_(1));
        bytes memory old = sign(customsSecret, customs, 1, NEVER, records);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.SignaturesInvalidated(customs, 1);
        vm.prank(customsKey);
        uint64 epoch = ledger.invalidateSignatures(customs);
        vm.assertEq(epoch, 1);

        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, customsKey));
        ledger.recordSigned(customs, 1, NEVER, customsKey, records, old);
        epochs[customs] = 1;
        bytes memory fresh = sign(customsSecret, customs, 1, NEVER, records);
        ledger.recordSigned(customs, 1, NEVER, customsKey, records, fresh);
    }

    function testFuzz_epochs_count_per_authority_and_leave_numbers_alone(uint8 times) external {
        vm.prank(customsKey);
        ledger.record(customs, 1, batch(2, 1));
        for (uint256 i; i < times; ++i) {
            vm.prank(customsKey);
            ledger.invalidateSignatures(customs);
        }
        vm.assertEq(ledger.signatureEpoch(customs), times);
        vm.assertEq(ledger.signatureEpoch(market), 0);
        vm.assertEq(ledger.recordCount(customs), 2);
        vm.prank(customsKey);
        ledger.record(customs, 3, batch(2, 1));
        vm.assertEq(ledger.signatureEpoch(customs), times);
        vm.assertEq(ledger.recordCount(customs), 4);
    }

    /// @dev A signature is good in the epoch that it names, and in no other one, earlier or later.
    function testFuzz_a_signature_is_for_its_epoch(uint8 named, uint8 actual) external {
        (named, actual) = (named % 5, actual % 5);
        epochs[customs] = named;
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, NEVER, records);
        for (uint256 i; i < actual; ++i) {
            vm.prank(customsKey);
            ledger.invalidateSignatures(customs);
        }
        if (named != actual) {
            vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, customsKey));
        }
        ledger.recordSigned(customs, 1, NEVER, customsKey, records, signature);
    }

    function testFuzz_only_a_key_of_the_authority(address caller) external {
        if (caller == customsKey) caller = marketKey;
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, caller));
        vm.prank(caller);
        ledger.invalidateSignatures(customs);
    }
}
