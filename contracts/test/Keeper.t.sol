// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IAuthorities} from "../src/interfaces/IAuthorities.sol";
import {IKeeper} from "../src/interfaces/IKeeper.sol";
import {LedgerTest} from "./utils/LedgerTest.sol";

/// @notice The contracts after the handover: the keeper alone is administrator, the governor acts under a delay.
contract KeeperTest is LedgerTest {
    uint64 private constant ADMIN = 0;
    uint64 private constant GUARDIAN = 4;
    uint32 private constant DELAY = 2 days;

    IKeeper private keeper;
    address private guardian = actor("guardian");

    function setUp() public override {
        super.setUp();
        keeper = IKeeper(deploy("Keeper.sol:Keeper", abi.encode(manager, DELAY)));
        bytes4[] memory both = new bytes4[](2);
        (both[0], both[1]) = (IKeeper.grant.selector, IKeeper.revoke.selector);
        vm.prank(governor);
        manager.setTargetFunctionRole(address(keeper), both, GOVERNOR);
        vm.prank(governor);
        manager.setRoleGuardian(GOVERNOR, GUARDIAN);
        vm.prank(governor);
        manager.grantRole(GUARDIAN, guardian, 0);
        vm.prank(governor);
        manager.grantRole(ADMIN, address(keeper), 0);
        vm.prank(governor);
        manager.grantRole(GOVERNOR, governor, DELAY);
        vm.prank(governor);
        manager.renounceRole(ADMIN, governor);
    }

    function test_says_whose_administrator_it_is() external view {
        vm.assertEq(address(keeper.manager()), address(manager));
        vm.assertEq(keeper.governanceDelay(), DELAY);
    }

    function test_grants_each_working_role() external {
        for (uint64 role = GOVERNOR; role <= GUARDIAN; ++role) {
            act(abi.encodeCall(IKeeper.grant, (role, stranger)));
            (bool member, uint32 delay) = manager.hasRole(role, stranger);
            vm.assertTrue(member);
            vm.assertEq(delay, role == GOVERNOR ? DELAY : 0);
        }
    }

    function test_revokes_each_working_role() external {
        for (uint64 role = GUARDIAN; role >= GOVERNOR; --role) {
            act(abi.encodeCall(IKeeper.grant, (role, stranger)));
            act(abi.encodeCall(IKeeper.revoke, (role, stranger)));
            (bool member, ) = manager.hasRole(role, stranger);
            vm.assertFalse(member);
        }
    }

    /// @dev The delay is not lost by granting the role once more.
    function test_a_governor_granted_again_keeps_its_delay() external {
        act(abi.encodeCall(IKeeper.grant, (GOVERNOR, governor)));
        vm.warp(block.timestamp + 60 days);
        (, uint32 delay) = manager.hasRole(GOVERNOR, governor);
        vm.assertEq(delay, DELAY);
    }

    function test_no_role_beside_the_working_ones() external {
        no_other_role(ADMIN);
        no_other_role(GUARDIAN + 1);
        no_other_role(type(uint64).max);
    }

    function testFuzz_no_other_role(uint64 role) external {
        no_other_role(role >= GOVERNOR && role <= GUARDIAN ? role + GUARDIAN : role);
    }

    function testFuzz_only_the_governor(address caller) external {
        if (caller == governor) caller = stranger;
        expectUnauthorized(caller);
        vm.prank(caller);
        keeper.grant(GOVERNOR, caller);
        expectUnauthorized(caller);
        vm.prank(caller);
        keeper.revoke(GOVERNOR, governor);
    }

    function test_the_guardian_cancels_a_grant() external {
        bytes memory call = abi.encodeCall(IKeeper.grant, (GOVERNOR, stranger));
        announce(call);
        vm.prank(guardian);
        manager.cancel(governor, address(keeper), call);
        vm.warp(block.timestamp + DELAY);
        bytes32 operation = manager.hashOperation(governor, address(keeper), call);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        vm.prank(governor);
        keeper.grant(GOVERNOR, stranger);
    }

    function test_nobody_else_is_administrator() external view {
        (bool member, uint32 delay) = manager.hasRole(ADMIN, address(keeper));
        vm.assertTrue(member);
        vm.assertEq(delay, 0);
        (member, ) = manager.hasRole(ADMIN, governor);
        vm.assertFalse(member);
    }

    function test_the_governor_administers_nothing() external {
        bytes4[] memory one_ = new bytes4[](1);
        one_[0] = IAuthorities.setKey.selector;
        refused(abi.encodeCall(IAccessManager.grantRole, (ADMIN, stranger, 0)));
        refused(abi.encodeCall(IAccessManager.grantRole, (GOVERNOR, governor, 0)));
        refused(abi.encodeCall(IAccessManager.setTargetFunctionRole, (address(authorities), one_, type(uint64).max)));
        refused(abi.encodeCall(IAccessManager.setRoleGuardian, (GOVERNOR, REGISTRAR)));
        refused(abi.encodeCall(IAccessManager.setRoleAdmin, (REGISTRAR, GOVERNOR)));
        refused(abi.encodeCall(IAccessManager.setTargetClosed, (address(ledger), true)));
        refused(abi.encodeCall(IAccessManager.setGrantDelay, (REGISTRAR, 30 days)));
        refused(abi.encodeCall(IAccessManager.updateAuthority, (address(keeper), stranger)));
    }

    // ------------------------------------------------------------------ inside

    function announce(bytes memory call) private {
        vm.prank(governor);
        manager.schedule(address(keeper), call, 0);
    }

    function act(bytes memory call) private {
        announce(call);
        vm.warp(block.timestamp + DELAY);
        vm.prank(governor);
        (bool done, ) = address(keeper).call(call);
        vm.assertTrue(done);
    }

    /// @dev What a low-level call reverted with is looked at here: `expectRevert` holds of one that went through.
    function no_other_role(uint64 role) private {
        not_working(role, abi.encodeCall(IKeeper.grant, (role, stranger)));
        not_working(role, abi.encodeCall(IKeeper.revoke, (role, stranger)));
    }

    function not_working(uint64 role, bytes memory call) private {
        announce(call);
        vm.warp(block.timestamp + DELAY);
        vm.prank(governor);
        (bool done, bytes memory reason) = address(keeper).call(call);
        vm.assertFalse(done);
        vm.assertEq(reason, abi.encodeWithSelector(IKeeper.NotAWorkingRole.selector, role));
    }

    /// @dev Neither done at once nor announced.
    function refused(bytes memory call) private {
        vm.prank(governor);
        (bool done, ) = address(manager).call(call);
        vm.assertFalse(done);
        vm.prank(governor);
        (done, ) = address(manager).call(abi.encodeCall(IAccessManager.schedule, (address(manager), call, 0)));
        vm.assertFalse(done);
    }
}
