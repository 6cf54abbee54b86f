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
        ledger.recordSigned(authority, firstNumber, NEVER, keyOf(authority), records, signature);
    }

    function testFuzz_anyone_relays(address sender) external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, customsKey, 1, 1);
        vm.prank(sender);
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_until_the_deadline_and_not_a_second_longer() external {
        bytes memory first = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, first);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.SignatureExpired.selector, DEADLINE));
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, first, signature);
        vm.warp(DEADLINE);
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, first, signature);
    }

    function test_deadline_zero_is_not_for_ever() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, 0, records);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.SignatureExpired.selector, uint64(0)));
        ledger.recordSigned(customs, 1, 0, customsKey, records, signature);
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
        ledger.recordSigned(customs, 1, DEADLINE, address(0), pack(event_(1)), new bytes(65));
    }

    /// @dev What a wallet shows is what is recorded: the types in the batch, none more, none less, none twice.
    function test_the_types_shown_are_those_of_the_records() external {
        Record memory other = event_(2);
        other.kind = 255;
        other.ref = 1;
        bytes memory records = bytes.concat(pack(event_(1)), pack(other));
        refuse(customs, 1, DEADLINE, customsKey, records, signTypes("", records));
        refuse(customs, 1, DEADLINE, customsKey, records, signTypes(hex"00ff", records));
        refuse(customs, 1, DEADLINE, customsKey, records, signTypes(hex"0001000200ff", records));
        refuse(customs, 1, DEADLINE, customsKey, records, signTypes(hex"00ff0001", records));
        refuse(customs, 1, DEADLINE, customsKey, records, signTypes(hex"0001000100ff", records));
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, records, signTypes(hex"000100ff", records));
        vm.assertEq(ledger.recordCount(customs), 2);
    }

    /// @dev Any set of types, against the slower list of the tests.
    function testFuzz_all_types_may_be_in_a_batch(uint256 kinds) external {
        ledger.recordSigned(
            customs,
            1,
            DEADLINE,
            customsKey,
            pack(event_(1)),
            sign(customsSecret, customs, 1, DEADLINE, pack(event_(1)))
        );
        bytes memory records;
        for (uint16 kind = 1; kind < 256; ++kind) {
            if ((kinds >> kind) & 1 == 0) continue;
            Record memory it = event_(1);
            (it.kind, it.ref) = (
                kind,
                kind < 240
                    ? 0
                    : kind < 248
                        ? recordId(customs, 1)
                        : 2
            );
            records = bytes.concat(records, pack(it));
        }
        if (records.length == 0) return;
        ledger.recordSigned(
            customs,
            2,
            DEADLINE,
            customsKey,
            records,
            sign(customsSecret, customs, 2, DEADLINE, records)
        );
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
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_another_batch_under_its_number_cancels_a_signature() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.prank(customsKey);
        ledger.record(customs, 1, pack(event_(2)));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, uint48(2)));
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
    }

    function test_a_good_signature_by_a_key_of_another_authority() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(marketSecret, customs, 1, DEADLINE, records);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, marketKey));
        ledger.recordSigned(customs, 1, DEADLINE, marketKey, records, signature);
    }

    function test_both_entries_leave_the_same_state() external {
        bytes memory records = batch(5, 3);
        bytes memory signature = sign(customsSecret, customs, 1, DEADLINE, records);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, customsKey, 1, 15);
        ledger.recordSigned(customs, 1, DEADLINE, customsKey, records, signature);
        bytes32 root = ledger.root();

        setUp(); // a fresh deployment
        vm.prank(customsKey);
        ledger.record(customs, 1, records);
        vm.assertEq(ledger.root(), root);
    }

    /// @dev The officer is shown these types: two bytes each.
    function signTypes(bytes memory packed, bytes memory records) private view returns (bytes memory) {
        uint16[] memory types = new uint16[](packed.length / 2);
        for (uint256 i; i < types.length; ++i) {
            types[i] = (uint16(uint8(packed[2 * i])) << 8) | uint8(packed[2 * i + 1]);
        }
        bytes32 digest = batchDigest(address(ledger), "GACC", 1, types, 0, DEADLINE, records);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(customsSecret, digest);
        return abi.encodePacked(r, s, v);
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
        ledger.recordSigned(authority, firstNumber, deadline, key, records, signature);
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
        ledger.recordSigned(authority, firstNumber, NEVER, address(wallet), records, signatures);
    }

    function test_one_officer_is_not_enough() external {
        bytes memory records = pack(event_(1));
        bytes memory one = sign(firstSecret, customs, 1, NEVER, records);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(wallet)));
        ledger.recordSigned(customs, 1, NEVER, address(wallet), records, one);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(wallet)));
        ledger.recordSigned(customs, 1, NEVER, address(wallet), records, bytes.concat(one, one));
    }

    function test_a_contract_that_is_no_wallet_signs_nothing() external {
        vm.prank(governor);
        authorities.setKey(customs, address(book), uint64(START), NEVER);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(book)));
        ledger.recordSigned(customs, 1, NEVER, address(book), pack(event_(1)), new bytes(65));
    }
}
