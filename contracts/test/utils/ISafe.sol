// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What the tests call of a Safe. Its package has an interface of its own, which would bring the sources along.
interface ISafe {
    enum Operation {
        Call,
        DelegateCall
    }

    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address paymentReceiver
    ) external;
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        bytes calldata signatures
    ) external returns (bool success);
    function approveHash(bytes32 hash) external;
    function changeThreshold(uint256 threshold) external;
    function removeOwner(address previous, address owner, uint256 threshold) external;
    function swapOwner(address previous, address owner, address successor) external;
    function nonce() external view returns (uint256);
    function getThreshold() external view returns (uint256);
    function getOwners() external view returns (address[] memory);
    function VERSION() external view returns (string memory);
}

interface ISafeProxyFactory {
    function createProxyWithNonce(
        address singleton,
        bytes calldata initializer,
        uint256 salt
    ) external returns (address);
    function proxyCreationCode() external pure returns (bytes memory);
}

interface ISignMessageLib {
    function signMessage(bytes calldata message) external;
}
