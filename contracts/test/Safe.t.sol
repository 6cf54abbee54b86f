// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {ISafe, ISignMessageLib} from "./utils/ISafe.sol";
import {SafeTest} from "./utils/SafeTest.sol";

/// @notice Serious records by two of three officers who use a Safe and sign batches as messages (ERC-1271).
contract SafeSignsTest is SafeTest {
    function test_is_the_real_one() external view {
        vm.assertEq(keccak256(bytes(safe.VERSION())), keccak256("1.5.0"));
        vm.assertEq(safe.getThreshold(), 2);
        vm.assertEq(safe.getOwners().length, 3);
    }

    function testFuzz_any_two_officers_record_what_is_serious(uint256 pair) external {
        bytes memory records = bytes.concat(serious(1), serious(2));
        bytes32 hash = hashOf(1, records);
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, address(safe), 1, 2);
        post(
            1,
            records,
            pair % 3 == 0
                ? both(0, 1, hash)
                : pair % 3 == 1
                    ? both(0, 2, hash)
                    : both(1, 2, hash)
        );
        post(3, revocation(1), both(0, 1, hashOf(3, revocation(1))));
        vm.assertEq(ledger.recordCount(customs), 3);
    }

    function test_one_officer_is_not_enough() external {
        bytes32 hash = hashOf(1, serious(1));
        refused(serious(1), signHash(officers[0], hash));
        refused(serious(1), both(0, 0, hash));
        refused(serious(1), bytes.concat(signHash(officers[0], hash), new bytes(65)));
        refused(serious(1), "");
    }

    function testFuzz_nobody_else_is_an_officer(uint256 secret) external {
        secret = bound(secret, 1, type(uint128).max);
        bytes32 hash = hashOf(1, serious(1));
        refused(serious(1), bytes.concat(signHash(officers[0], hash), signHash(secret, hash)));
        refused(serious(1), bytes.concat(signHash(secret, hash), signHash(officers[2], hash)));
    }

    function test_signatures_come_in_the_order_of_the_officers() external {
        bytes32 hash = hashOf(1, serious(1));
        refused(serious(1), both(1, 0, hash));
        post(1, serious(1), both(0, 1, hash));
    }

    /// @dev The officers' own signatures, of the batch and not of the Safe's message, are worth nothing.
    function test_the_message_is_that_of_this_safe_on_this_chain() external {
        bytes32 digest = digestOf(customs, 1, NEVER, serious(1));
        refused(serious(1), both(0, 1, digest));
        address other = factory.createProxyWithNonce(singleton, initializer(2), 2);
        refused(serious(1), both(0, 1, messageHash(other, digest)));

        bytes memory signatures = both(0, 1, messageHash(address(safe), digest));
        vm.chainId(block.chainid + 1);
        refused(serious(1), signatures);
        // Not even where the ledger's own digest is that of this chain.
        bytes32 here = digestOf(customs, 1, NEVER, serious(1));
        vm.chainId(block.chainid - 1);
        signatures = both(0, 1, messageHash(address(safe), here));
        vm.chainId(block.chainid + 1);
        refused(serious(1), signatures);
    }

    function testFuzz_covers_the_records(uint256 bit) external {
        bytes memory signatures = both(0, 1, hashOf(1, serious(1)));
        bytes memory records = serious(1);
        bit = bit % 256; // of the commitment: the record stays a good one
        records[32 + bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        refused(records, signatures);
    }

    function test_a_used_message_is_used() external {
        bytes memory signatures = both(0, 1, hashOf(1, serious(1)));
        post(1, serious(1), signatures);
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, uint48(2)));
        post(1, serious(1), signatures);
    }

    /// @dev Hardware wallets that know no typed data sign its hash with a prefix; Safe marks that by v + 4.
    function test_an_officer_with_a_plain_hardware_wallet() external {
        bytes32 hash = hashOf(1, serious(1));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            officers[1],
            keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", hash))
        );
        post(1, serious(1), bytes.concat(signHash(officers[0], hash), abi.encodePacked(r, s, v + 4)));
    }

    function test_an_officer_may_agree_on_chain_before() external {
        bytes32 hash = hashOf(1, serious(1));
        bytes memory approved = abi.encodePacked(uint256(uint160(vm.addr(officers[0]))), uint256(0), uint8(1));
        bytes memory signatures = bytes.concat(approved, signHash(officers[1], hash));
        refused(serious(1), signatures);
        vm.prank(vm.addr(officers[0]));
        safe.approveHash(hash);
        post(1, serious(1), signatures);
    }

    /// @dev Who relays the batch is nobody's second signature, an officer included.
    function test_an_officer_who_relays_does_not_sign_by_it() external {
        bytes memory sender = abi.encodePacked(uint256(uint160(vm.addr(officers[0]))), uint256(0), uint8(1));
        bytes memory signatures = bytes.concat(sender, signHash(officers[1], hashOf(1, serious(1))));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(safe)));
        vm.prank(vm.addr(officers[0]));
        ledger.recordSigned(customs, 1, NEVER, address(safe), serious(1), signatures);
    }

    function test_a_message_that_the_safe_has_signed_on_chain() external {
        address library_ = artifact("libraries/SignMessageLib.sol/SignMessageLib");
        bytes32 digest = digestOf(customs, 1, NEVER, serious(1));
        bytes memory data = abi.encodeCall(ISignMessageLib.signMessage, (abi.encode(digest)));
        refused(serious(1), "");
        bytes32 hash = transactionHash(library_, data, ISafe.Operation.DelegateCall);
        execute(library_, data, ISafe.Operation.DelegateCall, both(0, 2, hash));
        refused(serious(2), "");
        post(1, serious(1), "");
    }

    // ------------------------------------------------------------------ the officers change

    function test_a_higher_threshold_holds_at_once() external {
        bytes32 hash = hashOf(1, serious(1));
        bytes memory two = both(0, 1, hash);
        agree(address(safe), abi.encodeCall(ISafe.changeThreshold, (3)));
        refused(serious(1), two);
        post(1, serious(1), bytes.concat(two, signHash(officers[2], hash)));
    }

    function test_an_officer_who_leaves_signs_no_more() external {
        bytes32 hash = hashOf(1, serious(1));
        bytes memory signatures = both(0, 1, hash);
        address[] memory owners = safe.getOwners();
        agree(address(safe), abi.encodeCall(ISafe.removeOwner, (owners[0], owners[1], 2)));
        refused(serious(1), signatures);
        post(1, serious(1), both(0, 2, hash));
    }

    function test_a_successor_signs_at_once() external {
        uint256 successor = uint256(keccak256("successor"));
        address[] memory owners = safe.getOwners();
        agree(address(safe), abi.encodeCall(ISafe.swapOwner, (owners[1], owners[2], vm.addr(successor))));
        bytes32 hash = hashOf(1, serious(1));
        refused(serious(1), both(1, 2, hash));
        (bytes memory old, bytes memory fresh) = (signHash(officers[1], hash), signHash(successor, hash));
        bool after_ = vm.addr(successor) > vm.addr(officers[1]);
        post(1, serious(1), after_ ? bytes.concat(old, fresh) : bytes.concat(fresh, old));
    }

    // ------------------------------------------------------------------ before and after its deployment

    /// @dev A Safe's address is known before it is there. Until then its key signs nothing.
    function test_a_safe_that_is_deployed_later() external {
        bytes32 salt = keccak256(abi.encodePacked(keccak256(initializer(2)), uint256(7)));
        bytes memory code = bytes.concat(factory.proxyCreationCode(), abi.encode(singleton));
        bytes32 place = keccak256(abi.encodePacked(hex"ff", factory, salt, keccak256(code)));
        address later = address(uint160(uint256(place)));
        govern(later);
        bytes memory signatures = both(0, 1, messageHash(later, digestOf(customs, 1, NEVER, serious(1))));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.NeedsWallet.selector, 0));
        ledger.recordSigned(customs, 1, NEVER, later, serious(1), signatures);

        vm.assertEq(factory.createProxyWithNonce(singleton, initializer(2), 7), later);
        ledger.recordSigned(customs, 1, NEVER, later, serious(1), signatures);
        vm.assertEq(ledger.recordCount(customs), 1);
    }

    // ------------------------------------------------------------------ steps

    function hashOf(uint48 number, bytes memory records) private view returns (bytes32) {
        return messageHash(address(safe), digestOf(customs, number, NEVER, records));
    }

    function post(uint48 number, bytes memory records, bytes memory signatures) private {
        vm.prank(relayer);
        ledger.recordSigned(customs, number, NEVER, address(safe), records, signatures);
    }

    function refused(bytes memory records, bytes memory signatures) private {
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(safe)));
        post(1, records, signatures);
    }
}

/// @notice The same officers, whose Safe sends the batch itself.
contract SafeSendsTest is SafeTest {
    function test_two_officers_send_a_serious_record_and_its_revocation() external {
        bytes memory data = abi.encodeCall(ICreditLedger.record, (customs, 1, serious(1)));
        vm.expectEmit(address(ledger));
        emit ICreditLedger.BatchRecorded(customs, address(safe), 1, 1);
        agree(address(ledger), data);
        agree(address(ledger), abi.encodeCall(ICreditLedger.record, (customs, 2, revocation(1))));
        vm.assertEq(ledger.recordCount(customs), 2);
    }

    function test_one_officer_sends_nothing() external {
        bytes memory data = abi.encodeCall(ICreditLedger.record, (customs, 1, serious(1)));
        bytes32 hash = transactionHash(address(ledger), data, ISafe.Operation.Call);
        refused("GS020", data, signHash(officers[0], hash));
        refused("GS026", data, both(0, 0, hash));
        refused("GS026", data, both(1, 0, hash));
        refused("GS026", data, bytes.concat(signHash(officers[0], hash), signHash(marketSecret, hash)));
        vm.assertEq(ledger.recordCount(customs), 0);
    }

    /// @dev The Safe takes its sender's word for one of the two signatures.
    function test_the_second_officer_sends_what_the_first_has_signed() external {
        bytes memory data = abi.encodeCall(ICreditLedger.record, (customs, 1, serious(1)));
        bytes32 hash = transactionHash(address(ledger), data, ISafe.Operation.Call);
        bytes memory sender = abi.encodePacked(uint256(uint160(vm.addr(officers[1]))), uint256(0), uint8(1));
        bytes memory signatures = bytes.concat(signHash(officers[0], hash), sender);
        refused("GS025", data, signatures);
        vm.prank(vm.addr(officers[1]));
        execute(address(ledger), data, signatures);
        vm.assertEq(ledger.recordCount(customs), 1);
    }

    function test_a_transaction_is_sent_once() external {
        bytes memory data = abi.encodeCall(ICreditLedger.record, (customs, 1, serious(1)));
        bytes memory signatures = both(0, 1, transactionHash(address(ledger), data, ISafe.Operation.Call));
        execute(address(ledger), data, signatures);
        refused("GS026", data, signatures);
    }

    function test_hears_from_the_ledger_what_is_wrong() external {
        bytes memory data = abi.encodeCall(ICreditLedger.record, (customs, 2, serious(1)));
        bytes memory signatures = both(0, 1, transactionHash(address(ledger), data, ISafe.Operation.Call));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.WrongNumber.selector, uint48(1)));
        execute(address(ledger), data, signatures);
    }

    function test_an_officers_own_account_is_no_key() external {
        address officer = vm.addr(officers[0]);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, customs, officer));
        vm.prank(officer);
        ledger.record(customs, 1, serious(1));
    }

    function test_cancels_what_it_has_signed() external {
        bytes memory signatures = both(0, 1, messageHash(address(safe), digestOf(customs, 1, NEVER, serious(1))));
        agree(address(ledger), abi.encodeCall(ICreditLedger.invalidateSignatures, (customs)));
        vm.expectRevert(abi.encodeWithSelector(ICreditLedger.InvalidSignature.selector, address(safe)));
        ledger.recordSigned(customs, 1, NEVER, address(safe), serious(1), signatures);
    }

    function refused(string memory reason, bytes memory data, bytes memory signatures) private {
        vm.expectRevert(abi.encodeWithSignature("Error(string)", reason));
        execute(address(ledger), data, signatures);
    }
}
