// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IEnterprises} from "./interfaces/IEnterprises.sol";

/// @title Enterprises
/// @notice Implementation of `IEnterprises`; registration is restricted by the access manager.
abstract contract Enterprises is IEnterprises, AccessManaged {
    /// @inheritdoc IEnterprises
    /// @dev Written at registration, so that the authorities never pay for a fresh slot.
    mapping(uint64 enterprise => bytes32) public head;

    /// @inheritdoc IEnterprises
    /// @dev Declared last: the ledger's log size shares its slot, and a batch reads both.
    uint64 public enterpriseCount;

    /// @inheritdoc IEnterprises
    function register(uint64 firstEnterprise, bytes32[] calldata identityCommitments) external restricted {
        uint64 count = enterpriseCount;
        if (firstEnterprise != count + 1) revert WrongEnterprise(count + 1);
        if (identityCommitments.length == 0) revert NothingToRegister();

        for (uint256 i; i < identityCommitments.length; ++i) {
            ++count;
            head[count] = keccak256(abi.encode(count, identityCommitments[i]));
            emit Registered(count, identityCommitments[i]);
        }
        enterpriseCount = count;
    }
}
