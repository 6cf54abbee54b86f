// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IKeeper} from "./interfaces/IKeeper.sol";

/// @title Keeper
/// @notice Implementation of `IKeeper`. OpenZeppelin's access manager lets the guardian cancel what is announced for a
/// function of its role, and its own functions belong to the administrator, who has no guardian: hence a contract between
/// the governor and them.
contract Keeper is IKeeper, AccessManaged {
    uint64 private constant GOVERNOR = 1;
    uint64 private constant GUARDIAN = 4;

    /// @inheritdoc IKeeper
    IAccessManager public immutable manager;

    /// @inheritdoc IKeeper
    uint32 public immutable governanceDelay;

    constructor(address accessManager, uint32 governanceDelay_) AccessManaged(accessManager) {
        manager = IAccessManager(accessManager);
        governanceDelay = governanceDelay_;
    }

    /// @inheritdoc IKeeper
    function grant(uint64 role, address account) external restricted {
        _checkRole(role);
        manager.grantRole(role, account, role == GOVERNOR ? governanceDelay : 0);
    }

    /// @inheritdoc IKeeper
    function revoke(uint64 role, address account) external restricted {
        _checkRole(role);
        manager.revokeRole(role, account);
    }

    /// @dev The working roles are the numbers from the governor's to the guardian's.
    function _checkRole(uint64 role) private pure {
        if (role < GOVERNOR || role > GUARDIAN) revert NotAWorkingRole(role);
    }
}
