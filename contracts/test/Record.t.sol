// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {RecordScenarios} from "./utils/RecordScenarios.sol";
import {Wallet} from "./utils/Wallet.sol";

/// @notice Batches sent by an authority's account.
contract RecordTest is RecordScenarios {
    function keyOf(uint16 authority) internal view override returns (address) {
        return authority == market ? marketKey : customsKey;
    }

    function submit(uint16 authority, uint48 firstNumber, bytes memory records) internal override {
        vm.prank(keyOf(authority));
        ledger.record(authority, firstNumber, records);
    }

    function testFuzz_refuses_anyone_else(address sender) external {
        if (sender == customsKey) sender = marketKey;
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, sender));
        vm.prank(sender);
        ledger.record(customs, 1, pack(event_(1)));
    }

    function test_deployment_refuses_an_address_without_code() external {
        bytes memory code = bytes.concat(vm.getCode("CreditLedger.sol:CreditLedger"), abi.encode(stranger, manager));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.NotAContract.selector, stranger));
        create(code);
        vm.assertEq(address(ledger.authorities()), address(authorities));
    }
}

/// @notice Batches sent by a contract that is an authority's key.
contract RecordFromWalletTest is RecordScenarios {
    address private officer = actor("officer");
    Wallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new Wallet(officer, actor("second officer"));
        for (uint16 authority = customs; authority <= market; ++authority) {
            vm.prank(governor);
            authorities.setKey(authority, address(wallet), uint64(START), NEVER);
        }
    }

    function keyOf(uint16) internal view override returns (address) {
        return address(wallet);
    }

    function submit(uint16 authority, uint48 firstNumber, bytes memory records) internal override {
        vm.prank(officer);
        wallet.record(ledger, authority, firstNumber, records);
    }
}
