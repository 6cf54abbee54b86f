// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {IEnterprises} from "../../src/interfaces/IEnterprises.sol";
import {IScoreBook} from "../../src/interfaces/IScoreBook.sol";
import {Deployer} from "./Deployer.sol";
import {bytesOf, Record, WEIGHTY} from "./Record.sol";
import {batchDigest} from "./TypedData.sol";

/// @notice The contracts as they are deployed, with their roles, and the actors of every test.
abstract contract LedgerTest is Deployer {
    uint64 internal constant GOVERNOR = 1;
    uint64 internal constant REGISTRAR = 2;
    uint64 internal constant ASSESSOR = 3;

    uint256 internal constant START = 1_780_000_000; // 28 May 2026, 20:26:40 UTC: the 29th in China
    uint32 internal constant TODAY = 20_602;
    uint64 internal constant NEVER = type(uint64).max;
    uint256 internal constant ALL_TYPES = type(uint256).max;

    address internal governor = actor("governor");
    address internal registrar = actor("registrar");
    address internal assessor = actor("assessor");
    address internal relayer = actor("relayer");
    address internal stranger = actor("stranger");

    uint256 internal customsSecret = uint256(keccak256("customs officer"));
    uint256 internal marketSecret = uint256(keccak256("market officer"));
    address internal customsKey = vm.addr(customsSecret);
    address internal marketKey = vm.addr(marketSecret);
    uint16 internal customs; // may write every type
    uint16 internal market; // may write types 1, 2 and corrections

    /// @dev The epoch that signatures made here name.
    mapping(uint16 authority => uint64) internal epochs;

    IAccessManager internal manager;
    IAuthorities internal authorities;
    ICreditLedger internal ledger;
    IScoreBook internal book;

    function setUp() public virtual {
        vm.warp(START);
        manager = IAccessManager(deploy("AccessManager.sol:AccessManager", abi.encode(governor)));
        authorities = IAuthorities(deploy("Authorities.sol:Authorities", abi.encode(manager)));
        ledger = ICreditLedger(deploy("CreditLedger.sol:CreditLedger", abi.encode(authorities, manager)));
        book = IScoreBook(deploy("ScoreBook.sol:ScoreBook", abi.encode(manager)));
        assignRoles();
        customs = addAuthority("GACC", ALL_TYPES, customsKey);
        market = addAuthority("SAMR", (1 << 1) | (1 << 2) | (1 << 240), marketKey);
    }

    function assignRoles() internal {
        bytes4[] memory setters = new bytes4[](6);
        setters[0] = IAuthorities.addAuthority.selector;
        setters[1] = IAuthorities.setMandate.selector;
        setters[2] = IAuthorities.setKey.selector;
        setters[3] = IAuthorities.setSuspended.selector;
        setters[4] = IAuthorities.declareCompromised.selector;
        setters[5] = IAuthorities.setFourEyes.selector;
        restrict(address(authorities), setters, GOVERNOR, governor);
        restrict(address(book), one(IScoreBook.registerCard.selector), GOVERNOR, governor);
        restrict(address(book), one(IScoreBook.publish.selector), ASSESSOR, assessor);
        restrict(address(ledger), one(IEnterprises.register.selector), REGISTRAR, registrar);
    }

    function restrict(address target, bytes4[] memory selectors, uint64 role, address member) private {
        vm.prank(governor);
        manager.setTargetFunctionRole(target, selectors, role);
        vm.prank(governor);
        manager.grantRole(role, member, 0);
    }

    function one(bytes4 selector) private pure returns (bytes4[] memory selectors) {
        selectors = new bytes4[](1);
        selectors[0] = selector;
    }

    // ------------------------------------------------------------------ actors and their usual calls

    function actor(string memory name) internal returns (address account) {
        account = vm.addr(uint256(keccak256(bytes(name))));
        vm.label(account, name);
    }

    function addAuthority(bytes32 code, uint256 mandate, address key) internal returns (uint16) {
        vm.prank(governor);
        return authorities.addAuthority(code, mandate, mandate & WEIGHTY, key, NEVER);
    }

    /// @dev The mandate that `authorize` answers.
    function mandateOf(uint16 authority, address key) internal view returns (uint256 mandate) {
        (mandate, , ) = authorities.authorize(authority, key);
    }

    function register(uint256 count) internal {
        bytes32[] memory commitments = new bytes32[](count);
        uint64 first = ledger.enterpriseCount() + 1;
        for (uint256 i; i < count; ++i) {
            commitments[i] = identity(first + uint64(i));
        }
        vm.prank(registrar);
        ledger.register(first, commitments);
    }

    function identity(uint64 enterprise) internal pure returns (bytes32) {
        return keccak256(abi.encode("identity", enterprise));
    }

    function sign(
        uint256 secret,
        uint16 authority,
        uint48 firstNumber,
        uint64 deadline,
        bytes memory records
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(authority, firstNumber, deadline, records);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    function digestOf(
        uint16 authority,
        uint48 firstNumber,
        uint64 deadline,
        bytes memory records
    ) internal view returns (bytes32) {
        return batchDigest(address(ledger), codeOf(authority), firstNumber, epochs[authority], deadline, records);
    }

    function codeOf(uint16 authority) internal view returns (string memory) {
        return authority == market ? "SAMR" : "GACC";
    }

    // ------------------------------------------------------------------ records

    /// @dev An ordinary event, decided today.
    function event_(uint64 enterprise) internal pure returns (Record memory) {
        return Record(enterprise, 1, 2, TODAY - 30, TODAY, 0, 0, keccak256(abi.encode("document", enterprise)));
    }

    function pack(Record memory it) internal pure returns (bytes memory) {
        return bytesOf(it);
    }

    function recordId(uint16 authority, uint48 number) internal pure returns (uint64) {
        return (uint64(authority) << 48) | number;
    }

    /// @dev `perEnterprise` records about each of the enterprises 1..`enterprises`.
    function batch(uint256 enterprises, uint256 perEnterprise) internal pure returns (bytes memory records) {
        records = new bytes(enterprises * perEnterprise * 64);
        uint256 count;
        for (uint64 e = 1; e <= enterprises; ++e) {
            for (uint256 i; i < perEnterprise; ++i) {
                Record memory it = event_(e);
                it.commitment = keccak256(abi.encode(e, i));
                put(records, count++, pack(it));
            }
        }
    }

    function put(bytes memory records, uint256 index, bytes memory packed) internal pure {
        assembly ("memory-safe") {
            let place := add(add(records, 0x20), shl(6, index))
            mcopy(place, add(packed, 0x20), 0x40)
        }
    }

    function enterpriseAt(bytes memory records, uint256 index) internal pure returns (uint64) {
        return uint64(bytes8(slice(records, index))); // big endian
    }

    function slice(bytes memory records, uint256 index) internal pure returns (bytes memory packed) {
        packed = new bytes(64);
        assembly ("memory-safe") {
            mcopy(add(packed, 0x20), add(add(records, 0x20), shl(6, index)), 0x40)
        }
    }

    // ------------------------------------------------------------------ expectations

    function expectUnauthorized(address caller) internal {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
    }

    function bound(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        return x >= min && x <= max ? x : min + (x % (max - min + 1));
    }
}
