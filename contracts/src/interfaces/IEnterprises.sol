// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IEnterprises
/// @notice The enterprises that records are about, each known on chain by a number and a salted commitment only.
/// @dev Each enterprise has a head: the end of the hash chain over everything recorded about it,
///
///   head of a new enterprise = keccak256(abi.encode(uint64 enterprise, bytes32 identityCommitment))
///
/// so that the number is bound to the identity before the first record, and a record set that does not replay to the
/// head is not complete.
interface IEnterprises {
    /// @notice An enterprise was registered.
    /// @param enterprise Its number: one more than that of the enterprise before it; the first is 1.
    /// @param identityCommitment Salted commitment to its identifier, which itself stays off chain.
    event Registered(uint64 indexed enterprise, bytes32 identityCommitment);

    /// @notice The next enterprise to register is `expected`. A caller who repeats a registration is told so here.
    error WrongEnterprise(uint64 expected);
    /// @notice There is nothing in the call to register.
    error NothingToRegister();

    /// @notice Register enterprises with consecutive numbers.
    /// @dev Naming the first number makes the call safe to repeat: the second one reverts with `WrongEnterprise`.
    /// @param firstEnterprise Number of the first of them: `enterpriseCount() + 1`.
    /// @param identityCommitments One for each, in order; at least one.
    function register(uint64 firstEnterprise, bytes32[] calldata identityCommitments) external;

    /// @notice How many enterprises are registered.
    /// @return Also the number of the last one.
    function enterpriseCount() external view returns (uint64);

    /// @notice Head of an enterprise's hash chain.
    /// @param enterprise Its number.
    /// @return The head; zero when no enterprise has this number.
    function head(uint64 enterprise) external view returns (bytes32);
}
