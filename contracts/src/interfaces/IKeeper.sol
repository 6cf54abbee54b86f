// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

/// @title IKeeper
/// @notice The only administrator of the access manager after set-up: it hands on grants and revocations of the working
/// roles, and can do nothing else.
/// @dev What the access manager lets its administrator do beside that (which function needs which role, who guards a role,
/// closing a contract, another manager, another administrator) nobody can do any more. The governor calls these functions
/// under its delay like all others, so that the guardian may cancel them.
interface IKeeper {
    /// @notice Give an account a working role.
    /// @dev Whoever governs does so under the delay that was fixed at deployment; the other roles act at once. Reverts
    /// with `NotAWorkingRole`.
    /// @param role Governor 1, registrar 2, assessor 3, guardian 4.
    /// @param account Who gets it.
    function grant(uint64 role, address account) external;

    /// @notice Take a working role from an account; nothing happens if it has it not.
    /// @dev Reverts with `NotAWorkingRole`.
    /// @param role Governor 1, registrar 2, assessor 3, guardian 4.
    /// @param account Who loses it.
    function revoke(uint64 role, address account) external;

    /// @notice The access manager whose administrator this is.
    /// @return The access manager.
    function manager() external view returns (IAccessManager);

    /// @notice For how many seconds a governor must announce what it does.
    /// @return Seconds; 0: it acts at once.
    function governanceDelay() external view returns (uint32);

    /// @notice The role is none of the four: administrator, everybody, or one that does not exist.
    /// @param role The role.
    error NotAWorkingRole(uint64 role);
}
