// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {IObjections} from "../src/interfaces/IObjections.sol";
import {AnswerScenarios} from "./utils/AnswerScenarios.sol";
import {Wallet} from "./utils/Wallet.sol";

/// @notice Answers sent by an authority's account.
contract AnswerTest is AnswerScenarios {
    function keyOf(uint16 authority) internal view override returns (address) {
        return authority == market ? marketKey : customsKey;
    }

    function submit(uint16 authority, uint64 objection, IObjections.Outcome outcome) internal override {
        vm.prank(keyOf(authority));
        objections.answer(objection, outcome, ANSWER);
    }

    function testFuzz_nobody_else(address caller) external {
        if (caller == customsKey) caller = marketKey;
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, caller));
        vm.prank(caller);
        objections.answer(1, IObjections.Outcome.Rejected, ANSWER);
    }
}

/// @notice Answers sent by a contract that is an authority's key.
contract AnswerFromWalletTest is AnswerScenarios {
    Wallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new Wallet(customsKey, marketKey);
        vm.prank(governor);
        authorities.setKey(customs, address(wallet), uint64(START), NEVER);
    }

    function keyOf(uint16 authority) internal view override returns (address) {
        return authority == market ? marketKey : address(wallet);
    }

    function submit(uint16 authority, uint64 objection, IObjections.Outcome outcome) internal override {
        vm.prank(keyOf(authority));
        objections.answer(objection, outcome, ANSWER);
    }
}
