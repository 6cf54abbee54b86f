// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {Record} from "./utils/LedgerTest.sol";
import {RecordScenarios} from "./utils/RecordScenarios.sol";
import {batchDigest} from "./utils/TypedData.sol";
import {Wallet} from "./utils/Wallet.sol";

/// @notice Batches signed by an authority's account and relayed by someone else.
contract RecordSignedTest is RecordScenarios {
    uint64 private constant DEADLINE = uint64(START) + 1 days;

    function keyOf(uint16 authority) internal view override returns (address) {
        return authority == market ? marketKey : customsKey;
    }

    function submit(uint16 authority, uint48 firstNumber, bytes memory records) internal override {
        uint256 secret = authority == market ? marketSecret : customsSecret;
        bytes memory signature = sign(secret, authority, firstNumber, NEVER, records);
        vm.prank(relayer);
        recordSigned(authority, firstNumber, NEVER, keyOf(authority), records, signature);
    }

    function testFuzz_anyone_relays(address sender) external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, customsKey, 1, 1);
        vm.prank(sender);
        recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_until_the_deadline_and_not_a_second_longer() external {
        bytes memory first = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, first);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.SignatureExpired.selector, DEADLINE));
        recordSigned(customs, 1, DEADLINE, customsKey, first, signature);
        vm.warp(DEADLINE);
        recordSigned(customs, 1, DEADLINE, customsKey, first, signature);
    }

    function test_deadline_zero_is_not_for_ever() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, 0, records);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.SignatureExpired.selector, uint64(0)));
        recordSigned(customs, 1, 0, customsKey, records, signature);
    }

    /// @dev Each signed field, changed, and a signature by somebody else.
    function test_covers_every_field() external {
        bytes memory records = pack(event_(1));
        bytes memory other = pack(event_(2));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.prank(governor);
        authorities.setKey(market, customsKey, uint64(START), NEVER);
        vm.prank(governor);
        authorities.setKey(customs, marketKey, uint64(START), NEVER);
        refuse(market, 1, DEADLINE, customsKey, records, signature);
        refuse(customs, 1, DEADLINE + 1, customsKey, records, signature);
        refuse(customs, 1, DEADLINE, marketKey, records, signature);
        refuse(customs, 1, DEADLINE, customsKey, records, sign(customsSecret, customs, 2, DEADLINE, records));
        refuse(customs, 1, DEADLINE, customsKey, other, signature);
        refuse(customs, 1, DEADLINE, customsKey, bytes.concat(records, other), signature);
        refuse(customs, 1, DEADLINE, customsKey, records, sign(marketSecret, customs, 1, DEADLINE, records));
        refuse(customs, 1, DEADLINE, customsKey, records, "");
    }

    /// @dev The zero address is what recovery gives for a signature that is none.
    function test_no_signature_is_by_nobody() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, address(0)));
        recordSigned(customs, 1, DEADLINE, address(0), pack(event_(1)), new bytes(65));
    }

    /// @dev What a wallet shows is what is recorded: the types in the batch, none more, none less, none twice.
    function test_the_types_shown_are_those_of_the_records() external {
        Record memory other = event_(2);
        other.kind = 3;
        bytes memory records = bytes.concat(pack(event_(1)), pack(other));
        refuseTypes(records, "", 0);
        refuseTypes(records, hex"0003", 1 << 3);
        refuseTypes(records, hex"000100020003", (1 << 1) | (1 << 2) | (1 << 3));
        refuseTypes(records, hex"00030001", 1 << 3);
        refuseTypes(records, hex"000100010003", 1 << 1);
        refuseTypes(records, hex"000100030100", (1 << 1) | (1 << 3));
        recordWithTypes(records, hex"00010003");
        vm.assertEq(ledger.recordCount(customs), 2);
    }

    /// @dev Other types than those that were signed are another message.
    function test_nobody_but_the_signer_chooses_the_types() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, customsKey));
        ledger.recordSigned(customs, 1, new uint16[](1), DEADLINE, customsKey, records, signature);
    }

    function testFuzz_refuses_a_flipped_bit(uint256 bit) external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        bit = bit % (65 * 8);
        signature[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        refuse(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_the_mirrored_signature_is_none() external {
        bytes memory records = pack(event_(1));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            customsSecret,
            batchDigest(address(ledger), "GACC", 1, 0, DEADLINE, records)
        );
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory mirrored = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        refuse(customs, 1, DEADLINE, customsKey, records, mirrored);
    }

    function test_is_for_this_chain_and_this_contract() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.chainId(block.chainid + 1);
        refuse(customs, 1, DEADLINE, customsKey, records, signature);
        // What is signed for the chain as it is now is good.
        signature = sign(customsSecret, customs, 1, DEADLINE, records);
        recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_another_batch_under_its_number_cancels_a_signature() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.prank(customsKey);
        ledger.record(customs, 1, pack(event_(2)));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, uint48(2)));
        recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_a_good_signature_by_a_key_of_another_authority() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(marketSecret, customs, 1, DEADLINE, records);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, marketKey));
        recordSigned(customs, 1, DEADLINE, marketKey, records, signature);
    }

    function test_both_entries_leave_the_same_state() external {
        bytes memory records = batch(5, 3);
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, customsKey, 1, 15);
        recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
        bytes32 root = ledger.root();

        setUp(); // a fresh deployment
        vm.prank(customsKey);
        ledger.record(customs, 1, records);
        vm.assertEq(ledger.root(), root);
    }

    function refuseTypes(bytes memory records, bytes memory types, uint256 signed) private {
        vm.expectRevert(
            abi.encodeWithSelector(ICreditLedger.WrongTypes.selector, signed, uint256((1 << 1) | (1 << 3)))
        );
        recordWithTypes(records, types);
    }

    /// @dev The officer signs what is asked for: `types` are two bytes each.
    function recordWithTypes(bytes memory records, bytes memory packed) private {
        uint16[] memory types = new uint16[](packed.length / 2);
        for (uint256 i; i < types.length; ++i) {
            types[i] = (uint16(uint8(packed[2 * i])) << 8) | uint8(packed[2 * i + 1]);
        }
        bytes32 digest = batchDigest(address(ledger), "GACC", 1, types, 0, DEADLINE, records);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(customsSecret, digest);
        ledger.recordSigned(customs, 1, types, DEADLINE, customsKey, records, abi.encodePacked(r, s, v));
    }

    function refuse(
        uint16 authority,
        uint48 firstNumber,
        uint64 deadline,
        address key,
        bytes memory records,
        bytes memory signature
    ) private {
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, key));
        recordSigned(authority, firstNumber, deadline, key, records, signature);
    }
}

/// @notice Batches signed by two officers, whose wallet (ERC-1271) is the authority's key.
contract RecordSignedByWalletTest is RecordScenarios {
    uint256 private firstSecret = uint256(keccak256("first officer"));
    uint256 private secondSecret = uint256(keccak256("second officer"));
    Wallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new Wallet(vm.addr(firstSecret), vm.addr(secondSecret));
        for (uint16 authority = customs; authority <= market; ++authority) {
            vm.prank(governor);
            authorities.setKey(authority, address(wallet), uint64(START), NEVER);
        }
    }

    function keyOf(uint16) internal view override returns (address) {
        return address(wallet);
    }

    function submit(uint16 authority, uint48 firstNumber, bytes memory records) internal override {
        bytes memory signatures = bytes.concat(
            sign(firstSecret, authority, firstNumber, NEVER, records),
            sign(secondSecret, authority, firstNumber, NEVER, records)
        );
        vm.prank(relayer);
        recordSigned(authority, firstNumber, NEVER, address(wallet), records, signatures);
    }

    function test_one_officer_is_not_enough() external {
        bytes memory records = pack(event_(1));
        bytes memory one = sign(firstSecret, customs, 1, NEVER, records);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(wallet)));
        recordSigned(customs, 1, NEVER, address(wallet), records, one);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(wallet)));
        recordSigned(customs, 1, NEVER, address(wallet), records, bytes.concat(one, one));
    }

    function test_a_contract_that_is_no_wallet_signs_nothing() external {
        vm.prank(governor);
        authorities.setKey(customs, address(book), uint64(START), NEVER);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(book)));
        recordSigned(customs, 1, NEVER, address(book), pack(event_(1)), new bytes(65));
    }
}
