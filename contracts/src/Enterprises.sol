// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IEnterprises} from "./interfaces/IEnterprises.sol";

/// @title Enterprises
/// @notice Implementation of `IEnterprises`; registration is restricted by the access manager.
abstract contract Enterprises is IEnterprises, AccessManaged {
    /// @dev A struct so that its place in storage can be kept at hand: a batch reads and writes it.
    struct Head {
        bytes32 end;
    }

    /// @dev Written at registration, so that the authorities never pay for a fresh slot.
    mapping(uint64 enterprise => Head) internal _heads;

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
            _heads[count].end = keccak256(abi.encode(count, identityCommitments[i]));
            emit Registered(count, identityCommitments[i]);
        }
        enterpriseCount = count;
    }

    /// @inheritdoc IEnterprises
    function head(uint64 enterprise) external view returns (bytes32) {
        return _heads[enterprise].end;
    }
}
