// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Vm} from "./Vm.sol";

/// @notice Deploys contracts by the name of their artifact. A test that said `new` would compile its own copy of them, with
/// the tests' settings and not with those of the contracts.
abstract contract Deployer {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function deploy(string memory artifact, bytes memory arguments) internal returns (address) {
        return create(bytes.concat(vm.getCode(artifact), arguments));
    }

    function create(bytes memory code) internal returns (address account) {
        assembly ("memory-safe") {
            account := create(0, add(code, 0x20), mload(code))
            if iszero(account) {
                returndatacopy(mload(0x40), 0, returndatasize())
                revert(mload(0x40), returndatasize())
            }
        }
    }
}
