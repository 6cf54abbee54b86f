// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {Cast} from "./Cast.sol";
import {Record} from "./Record.sol";
import {RecordRules} from "./RecordRules.sol";

/// @notice Who may write what, by the sentences of `IAuthorities` and from the governor's acts alone.
abstract contract Rights is Cast {
    struct Change {
        uint256 mandate;
        uint256 weighty;
        uint64 from;
    }

    struct Window {
        uint64 from;
        uint64 until;
        uint64 compromisedFrom;
    }

    mapping(uint16 authority => Change[]) internal changes;
    mapping(uint16 authority => mapping(address key => Window)) internal windows;
    mapping(uint16 authority => bool) public suspended;
    mapping(uint16 authority => bool) public fourEyes;
    mapping(uint16 authority => uint64) public signatureEpoch;

    /// @dev As the authorities were added, with their officers' keys.
    constructor() {
        for (uint16 authority = 1; authority <= AUTHORITIES; ++authority) {
            changes[authority].push(
                Change(
                    world.authorities.mandateNow(authority),
                    world.authorities.weightyNow(authority),
                    uint64(block.timestamp)
                )
            );
            address key = writer(authority == 1 ? 0 : 2);
            windows[authority][key] = Window(uint64(block.timestamp), type(uint64).max, 0);
        }
    }

    /// @notice The last change, in their order, that has begun.
    function mandateOf(uint16 authority) public view returns (uint256 mandate) {
        for (uint256 i; i < changes[authority].length; ++i) {
            if (changes[authority][i].from <= block.timestamp) mandate = changes[authority][i].mandate;
        }
    }

    /// @notice The types that need a wallet of this key.
    function needsWallet(uint16 authority, address key) internal view returns (uint256 weighty) {
        if (!fourEyes[authority] || isWallet(key)) return 0;
        for (uint256 i; i < changes[authority].length; ++i) {
            if (changes[authority][i].from <= block.timestamp) weighty = changes[authority][i].weighty;
        }
    }

    /// @notice The error that the key is told; empty when it may write.
    function refusalOf(uint16 authority, address key) public view returns (bytes memory) {
        Window memory it = windows[authority][key];
        if (suspended[authority]) return abi.encodeWithSelector(IAuthorities.Suspended.selector, authority);
        if (it.compromisedFrom != 0) return compromised(authority, key);
        bool valid = it.from <= block.timestamp && block.timestamp < it.until;
        return valid ? bytes("") : abi.encodeWithSelector(IAuthorities.KeyNotValid.selector, authority, key);
    }

    function compromised(uint16 authority, address key) internal view returns (bytes memory) {
        uint64 from = windows[authority][key].compromisedFrom;
        return abi.encodeWithSelector(IAuthorities.KeyDeclaredCompromised.selector, authority, key, from);
    }

    /// @dev The error that the key is told about its records; empty when it may write them.
    function refusalOf(
        uint16 authority,
        address key,
        uint48 first,
        Record[] memory records,
        uint64 enterprises
    ) internal view returns (bytes memory refusal) {
        refusal = refusalOf(authority, key);
        if (refusal.length != 0) return refusal;
        uint256 weighty = needsWallet(authority, key);
        for (uint256 i; i < records.length; ++i) {
            if ((weighty >> records[i].kind) & 1 == 1) {
                return abi.encodeWithSelector(ICreditLedger.NeedsWallet.selector, i);
            }
        }
        uint256 mandate = mandateOf(authority);
        for (uint256 i; i < records.length && refusal.length == 0; ++i) {
            refusal = RecordRules.faultOf(i, records[i], mandate, authority, first, today(), enterprises);
        }
    }
}
