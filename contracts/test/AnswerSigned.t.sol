// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {IObjections} from "../src/interfaces/IObjections.sol";
import {AnswerScenarios} from "./utils/AnswerScenarios.sol";
import {Answer, answerDigest} from "./utils/TypedData.sol";
import {Wallet} from "./utils/Wallet.sol";

/// @notice Answers signed by an authority's account and relayed by someone else.
contract AnswerSignedTest is AnswerScenarios {
    function keyOf(uint16 authority) internal view override returns (address) {
        return authority == market ? marketKey : customsKey;
    }

    function submit(uint16 authority, uint64 objection, IObjections.Outcome outcome) internal override {
        uint256 secret = authority == market ? marketSecret : customsSecret;
        relay(objection, outcome, NEVER, keyOf(authority), signAnswer(secret, objection, outcome, NEVER));
    }

    function testFuzz_anyone_relays(address sender, bytes32 text, uint64 deadline) external {
        deadline = uint64(bound(deadline, START, NEVER));
        bytes32 digest = digestOfAnswer(1, IObjections.Outcome.Upheld, text, deadline);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(customsSecret, digest);
        vm.expectEmit(address(objections));
        emit IObjections.ObjectionAnswered(1, customsKey, IObjections.Outcome.Upheld, text);
        vm.prank(sender);
        objections.answerSigned(1, IObjections.Outcome.Upheld, text, deadline, customsKey, abi.encodePacked(r, s, v));
    }

    function test_covers_every_field() external {
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, NEVER);
        invalid(1, IObjections.Outcome.Rejected, NEVER, customsKey, signature);
        invalid(1, IObjections.Outcome.Upheld, NEVER - 1, customsKey, signature);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, marketKey));
        relay(1, IObjections.Outcome.Upheld, NEVER, marketKey, signature);
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidSignature.selector, customsKey));
        objections.answerSigned(1, IObjections.Outcome.Upheld, GROUNDS, NEVER, customsKey, signature);
        vm.chainId(block.chainid + 1);
        invalid(1, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
    }

    /// @dev What an officer saw in the wallet: whose objection, and to which record of which authority.
    function testFuzz_names_what_is_answered(uint8 which) external {
        Answer memory it = answerOf(1, IObjections.Outcome.Upheld, ANSWER, NEVER);
        if (which % 5 == 0) it.objection = 2;
        else if (which % 5 == 1) it.enterprise = 2;
        else if (which % 5 == 2) it.code = "SAMR";
        else if (which % 5 == 3) it.record = 2;
        else it.epoch = 1;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(customsSecret, answerDigest(address(objections), it));
        invalid(1, IObjections.Outcome.Upheld, NEVER, customsKey, abi.encodePacked(r, s, v));
    }

    function test_is_void_once_signatures_are_invalidated() external {
        bytes memory before = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, NEVER);
        vm.prank(customsKey);
        epochs[customs] = ledger.invalidateSignatures(customs);
        invalid(1, IObjections.Outcome.Upheld, NEVER, customsKey, before);
        submit(customs, 1, IObjections.Outcome.Upheld);
    }

    function test_needs_a_wallet_where_four_eyes_are_asked_for() external {
        vm.prank(governor);
        authorities.setFourEyes(customs, true);
        for (uint8 outcome = 1; outcome <= 3; ++outcome) {
            vm.expectRevert(abi.encodeWithSelector(IObjections.AnswerNeedsWallet.selector, uint64(1)));
            submit(customs, 1, IObjections.Outcome(outcome));
            vm.expectRevert(abi.encodeWithSelector(IObjections.AnswerNeedsWallet.selector, uint64(1)));
            answer(1, IObjections.Outcome(outcome));
        }
    }

    function test_is_for_this_contract() external {
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, NEVER);
        deployObjections();
        setKey(1, firm);
        openAsFirm();
        invalid(1, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
    }

    function testFuzz_refuses_a_flipped_bit(uint256 bit) external {
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, NEVER);
        bit = bit % (65 * 8);
        signature[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        invalid(1, IObjections.Outcome.Upheld, NEVER, customsKey, signature);
    }

    function test_ends_with_its_deadline() external {
        uint64 deadline = uint64(START) + 10;
        bytes memory signature = signAnswer(customsSecret, 1, IObjections.Outcome.Upheld, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IObjections.SignatureExpired.selector, deadline));
        relay(1, IObjections.Outcome.Upheld, deadline, customsKey, signature);
        vm.warp(deadline);
        relay(1, IObjections.Outcome.Upheld, deadline, customsKey, signature);
    }

    function invalid(
        uint64 objection,
        IObjections.Outcome outcome,
        uint64 deadline,
        address key,
        bytes memory signature
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidSignature.selector, key));
        relay(objection, outcome, deadline, key, signature);
    }
}

/// @notice Answers signed by two officers, whose wallet (ERC-1271) is the authority's key.
contract AnswerSignedByWalletTest is AnswerScenarios {
    uint256 private firstSecret = uint256(keccak256("first officer"));
    uint256 private secondSecret = uint256(keccak256("second officer"));
    Wallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new Wallet(vm.addr(firstSecret), vm.addr(secondSecret));
        for (uint16 authority = customs; authority <= market; ++authority) {
            vm.prank(governor);
            authorities.setKey(authority, authority == customs ? address(wallet) : marketKey, uint64(START), NEVER);
        }
    }

    function keyOf(uint16 authority) internal view override returns (address) {
        return authority == market ? marketKey : address(wallet);
    }

    function submit(uint16 authority, uint64 objection, IObjections.Outcome outcome) internal override {
        bytes memory signatures =
            authority == market
                ? signAnswer(marketSecret, objection, outcome, NEVER)
                : bytes.concat(
                    signAnswer(firstSecret, objection, outcome, NEVER),
                    signAnswer(secondSecret, objection, outcome, NEVER)
                );
        relay(objection, outcome, NEVER, keyOf(authority), signatures);
    }

    function test_the_wallet_answers_where_four_eyes_are_asked_for() external {
        vm.prank(governor);
        authorities.setFourEyes(customs, true);
        submit(customs, 1, IObjections.Outcome.Upheld);
        expectObjection(1, 1, RECORD, IObjections.Outcome.Upheld);
    }

    function test_one_officer_is_not_enough() external {
        bytes memory one = signAnswer(firstSecret, 1, IObjections.Outcome.Rejected, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidSignature.selector, address(wallet)));
        relay(1, IObjections.Outcome.Rejected, NEVER, address(wallet), one);
        vm.expectRevert(abi.encodeWithSelector(IObjections.InvalidSignature.selector, address(wallet)));
        relay(1, IObjections.Outcome.Rejected, NEVER, address(wallet), bytes.concat(one, one));
    }
}
