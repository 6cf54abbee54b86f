// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../src/interfaces/ICreditLedger.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

contract DeclareCompromisedTest is LedgerTest {
    uint64 private constant SINCE = uint64(START) - 3 days;

    function setUp() public override {
        super.setUp();
        register(2);
    }

    function testFuzz_refused_at_once_and_for_ever(uint64 from, uint64 time) external {
        from = uint64(bound(from, 1, START));
        time = uint64(bound(time, START, NEVER));
        vm.expectEmit(address(authorities));
        emit IAuthorities.KeyCompromised(market, marketKey, from);
        declare(from);
        vm.assertEq(authorities.compromisedFrom(market, marketKey), from);
        vm.warp(time);
        refused(from);
        authorities.authorize(market, marketKey);
    }

    function test_what_it_wrote_stays() external {
        vm.prank(marketKey);
        ledger.record(market, 1, pack(event_(1)));
        bytes32 head = ledger.head(1);
        bytes32 root = ledger.root();
        declare(SINCE);
        vm.assertEq(ledger.head(1), head);
        vm.assertEq(ledger.root(), root);
        vm.assertEq(ledger.recordCount(market), 1);
    }

    function test_writes_nothing_by_either_entry() external {
        bytes memory records = pack(event_(1));
        bytes memory signature = sign(marketSecret, market, 1, NEVER, records);
        declare(SINCE);
        refused(SINCE);
        vm.prank(marketKey);
        ledger.record(market, 1, records);
        refused(SINCE);
        ledger.recordSigned(market, 1, NEVER, marketKey, records, signature);
    }

    function test_a_successor_writes_on() external {
        declare(SINCE);
        address successor = actor("successor");
        vm.prank(governor);
        authorities.setKey(market, successor, uint64(START), NEVER);
        vm.prank(successor);
        ledger.record(market, 1, pack(event_(1)));
    }

    function test_cannot_be_made_good_by_another_window() external {
        declare(SINCE);
        refused(SINCE);
        vm.prank(governor);
        authorities.setKey(market, marketKey, uint64(START), NEVER);
        (uint64 from, uint64 until) = authorities.keyWindow(market, marketKey);
        vm.assertEq(from, START);
        vm.assertEq(until, NEVER);
    }

    function testFuzz_moves_to_an_earlier_time_only(uint64 from, uint64 again) external {
        from = uint64(bound(from, 2, START));
        again = uint64(bound(again, 1, NEVER));
        declare(from);
        if (again < from) {
            declare(again);
            vm.assertEq(authorities.compromisedFrom(market, marketKey), again);
        } else {
            invalid(again, from - 1);
            declare(again);
        }
    }

    function test_not_from_time_zero_and_not_from_a_time_to_come() external {
        invalid(0, uint64(START));
        declare(0);
        invalid(uint64(START) + 1, uint64(START));
        declare(uint64(START) + 1);
    }

    function test_a_key_nobody_has_used_can_be_barred() external {
        address other = actor("other");
        vm.prank(governor);
        authorities.declareCompromised(market, other, SINCE);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyDeclaredCompromised.selector, market, other, SINCE));
        vm.prank(governor);
        authorities.setKey(market, other, uint64(START), NEVER);
    }

    function test_concerns_one_authority() external {
        vm.prank(governor);
        authorities.setKey(customs, marketKey, uint64(START), NEVER);
        declare(SINCE);
        authorities.authorize(customs, marketKey);
    }

    function test_unknown_authority_and_key_zero() external {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.UnknownAuthority.selector, uint16(3)));
        vm.prank(governor);
        authorities.declareCompromised(3, marketKey, SINCE);
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidKey.selector, address(0)));
        vm.prank(governor);
        authorities.declareCompromised(market, address(0), SINCE);
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        authorities.declareCompromised(market, marketKey, SINCE);
    }

    function declare(uint64 from) private {
        vm.prank(governor);
        authorities.declareCompromised(market, marketKey, from);
    }

    function refused(uint64 from) private {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.KeyDeclaredCompromised.selector, market, marketKey, from));
    }

    function invalid(uint64 from, uint64 latest) private {
        vm.expectRevert(abi.encodeWithSelector(IAuthorities.InvalidCompromise.selector, from, latest));
    }
}
