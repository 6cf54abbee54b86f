// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";

/// @notice An authority's key that is a contract: both of two officers have to sign, or to agree to a direct batch.
contract Wallet is IERC1271 {
    address public immutable first;
    address public immutable second;

    error NotAnOfficer();

    constructor(address first_, address second_) {
        (first, second) = (first_, second_);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bool valid =
            signature.length == 130 && signer(hash, signature[:65]) == first && signer(hash, signature[65:]) == second;
        return valid ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @notice The wallet as the sender of a batch.
    function record(ICreditLedger ledger, uint16 authority, uint48 firstNumber, bytes calldata records) external {
        if (msg.sender != first) revert NotAnOfficer();
        ledger.record(authority, firstNumber, records);
    }

    function signer(bytes32 hash, bytes calldata signature) private pure returns (address recovered) {
        (recovered, , ) = ECDSA.tryRecoverCalldata(hash, signature);
    }
}
