// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {IObjections} from "../../src/interfaces/IObjections.sol";
import {IScoreBook} from "../../src/interfaces/IScoreBook.sol";
import {Vm} from "./Vm.sol";
import {Wallet} from "./Wallet.sol";

/// @notice The contracts, and who acts on them besides those who write.
struct World {
    IAuthorities authorities;
    ICreditLedger ledger;
    IObjections objections;
    IScoreBook book;
    address governor;
    address registrar;
    address assessor;
}

/// @notice Who acts in the invariant tests: two authorities, and six who may or may not be their keys.
abstract contract Cast {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant AUTHORITIES = 2;
    uint256 public constant WRITERS = 6;
    uint256 private constant WALLET = 5;

    World internal world;
    Wallet private wallet;

    /// @dev How often each act was taken and was refused.
    mapping(string act => uint256) public taken;
    mapping(string act => uint256) public refused;

    constructor(World memory world_) {
        world = world_;
        wallet = new Wallet(vm.addr(secretOf("first officer")), vm.addr(secretOf("second officer")));
    }

    /// @dev Two officers of customs, two of the market authority, a stranger, and a wallet of two officers.
    function writer(uint256 index) public view returns (address) {
        return index % WRITERS == WALLET ? address(wallet) : vm.addr(secretOf(nameOf(index)));
    }

    /// @dev By the wallet's two officers where the writer is the wallet.
    function signAs(uint256 index, bytes32 digest) internal pure returns (bytes memory) {
        if (index % WRITERS != WALLET) return signature(nameOf(index), digest);
        return bytes.concat(signature("first officer", digest), signature("second officer", digest));
    }

    function isWallet(address key) internal view returns (bool) {
        return key == address(wallet);
    }

    function codeOf(uint16 authority) internal pure returns (string memory) {
        return authority == 1 ? "GACC" : "SAMR";
    }

    function authorityBy(uint256 seed) internal pure returns (uint16) {
        return uint16(1 + (seed % AUTHORITIES));
    }

    /// @dev Every eighth time it is somebody who has no such role.
    function caller(address member, uint256 seed) internal pure returns (address) {
        return (seed >> 128) % 8 == 0 ? vm.addr(secretOf("stranger")) : member;
    }

    function unauthorized(address sender) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, sender);
    }

    /// @dev The model has decided before the call: it must succeed, or fail with exactly this error.
    function expect(string memory act, bytes memory refusal) internal returns (bool good) {
        good = refusal.length == 0;
        if (good) {
            ++taken[act];
            vm.recordLogs();
        } else {
            ++refused[act];
            vm.expectRevert(refusal);
        }
    }

    function today() internal view returns (uint32) {
        return uint32((block.timestamp + 8 hours) / 1 days);
    }

    function nameOf(uint256 index) private pure returns (string memory) {
        string[5] memory names = ["customs officer", "customs deputy", "market officer", "market deputy", "stranger"];
        return names[index % WRITERS];
    }

    function secretOf(string memory name) private pure returns (uint256) {
        return uint256(keccak256(bytes(name)));
    }

    function signature(string memory name, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secretOf(name), digest);
        return abi.encodePacked(r, s, v);
    }
}
