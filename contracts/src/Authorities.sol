// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IAuthorities} from "./interfaces/IAuthorities.sol";

/// @title Authorities
/// @notice Implementation of `IAuthorities`; every setter is restricted by the access manager.
contract Authorities is IAuthorities, AccessManaged {
    struct Authority {
        uint64 mandateFrom; // `mandate` and `weighty` hold from here on, those before until then
        bool known;
        bool suspended;
        bool fourEyes;
        bytes20 code; // in the same slot as the rest of what `authorize` reads first
        uint256 mandate;
        uint256 mandateBefore;
        uint256 weighty;
        uint256 weightyBefore;
    }

    struct Window {
        uint64 from;
        uint64 until;
        uint64 compromisedFrom; // 0: not declared
    }

    uint256 private constant MAX_CODE = 20;
    /// @dev First bytes of the code of an account that has delegated to a contract (EIP-7702).
    bytes3 private constant DELEGATION = 0xef0100;

    /// @inheritdoc IAuthorities
    mapping(bytes32 code => uint16 authority) public authorityOf;

    mapping(uint16 authority => Authority) private _authorities;
    mapping(uint16 authority => mapping(address key => Window)) private _windows;

    /// @inheritdoc IAuthorities
    uint16 public authorityCount;

    constructor(address accessManager) AccessManaged(accessManager) {}

    // Mandates and windows are data with a time, and that time is the block's: a validator can shift it by seconds, and none
    // of them is so short that seconds matter.
    // slither-disable-start timestamp

    // ------------------------------------------------------------------ governance

    /// @inheritdoc IAuthorities
    function addAuthority(
        bytes32 code,
        uint256 mandate,
        uint256 weighty,
        address key,
        uint64 until
    ) external restricted returns (uint16 authority_) {
        _checkCode(code);
        if (authorityOf[code] != 0) revert CodeTaken(code, authorityOf[code]);

        authority_ = ++authorityCount;
        authorityOf[code] = authority_;
        (_authorities[authority_].known, _authorities[authority_].code) = (true, bytes20(code));
        emit AuthorityAdded(authority_, code);

        uint64 present = uint64(block.timestamp);
        _setMandate(authority_, mandate, weighty, present);
        _setKey(authority_, key, present, until);
    }

    /// @inheritdoc IAuthorities
    function setMandate(uint16 authority_, uint256 mandate, uint256 weighty, uint64 from) external restricted {
        _setMandate(authority_, mandate, weighty, from);
    }

    /// @inheritdoc IAuthorities
    function setKey(uint16 authority_, address key, uint64 from, uint64 until) external restricted {
        _setKey(authority_, key, from, until);
    }

    /// @inheritdoc IAuthorities
    function setSuspended(uint16 authority_, bool suspended_) external restricted {
        _known(authority_).suspended = suspended_;
        emit SuspensionSet(authority_, suspended_);
    }

    /// @inheritdoc IAuthorities
    function declareCompromised(uint16 authority_, address key, uint64 from) external restricted {
        _known(authority_);
        if (key == address(0)) revert InvalidKey(key);
        Window storage window = _windows[authority_][key];
        uint64 latest = window.compromisedFrom == 0 ? uint64(block.timestamp) : window.compromisedFrom - 1;
        if (from == 0 || from > latest) revert InvalidCompromise(from, latest);
        window.compromisedFrom = from;
        emit KeyCompromised(authority_, key, from);
    }

    /// @inheritdoc IAuthorities
    function setFourEyes(uint16 authority_, bool required) external restricted {
        _known(authority_).fourEyes = required;
        emit FourEyesSet(authority_, required);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IAuthorities
    function mandateNow(uint16 authority_) external view returns (uint256) {
        return _mandate(_authorities[authority_]);
    }

    /// @inheritdoc IAuthorities
    function weightyNow(uint16 authority_) external view returns (uint256) {
        return _weighty(_authorities[authority_]);
    }

    /// @inheritdoc IAuthorities
    function keyWindow(uint16 authority_, address key) external view returns (uint64 from, uint64 until) {
        Window storage window = _windows[authority_][key];
        return (window.from, window.until);
    }

    /// @inheritdoc IAuthorities
    function suspended(uint16 authority_) external view returns (bool) {
        return _authorities[authority_].suspended;
    }

    /// @inheritdoc IAuthorities
    function fourEyes(uint16 authority_) external view returns (bool) {
        return _authorities[authority_].fourEyes;
    }

    /// @inheritdoc IAuthorities
    function compromisedFrom(uint16 authority_, address key) external view returns (uint64) {
        return _windows[authority_][key].compromisedFrom;
    }

    /// @inheritdoc IAuthorities
    function authorize(
        uint16 authority_,
        address key
    ) external view returns (uint256 mandate, uint256 needsWallet, bytes32 code) {
        Authority storage it = _known(authority_);
        if (it.suspended) revert Suspended(authority_);
        Window memory window = _windows[authority_][key];
        if (window.compromisedFrom != 0) revert KeyDeclaredCompromised(authority_, key, window.compromisedFrom);
        if (block.timestamp < window.from || block.timestamp >= window.until) revert KeyNotValid(authority_, key);
        mandate = _mandate(it);
        needsWallet = it.fourEyes && !_isWallet(key) ? _weighty(it) : 0;
        code = it.code;
    }

    // ------------------------------------------------------------------ inside

    function _setMandate(uint16 authority_, uint256 mandate, uint256 weighty, uint64 from) private {
        Authority storage it = _known(authority_);
        uint64 present = uint64(block.timestamp);
        if (from < present) revert MandateInPast(from, present);
        if (it.mandateFrom > present) {
            // With two changes waiting, "the last one set that has begun" would no longer be what is stored.
            if (from > it.mandateFrom) revert MandateWaiting(it.mandateFrom, from);
        } else {
            (it.mandateBefore, it.weightyBefore) = (it.mandate, it.weighty);
        }
        (it.mandate, it.weighty, it.mandateFrom) = (mandate, weighty, from);
        emit MandateSet(authority_, mandate, weighty, from);
    }

    function _setKey(uint16 authority_, address key, uint64 from, uint64 until) private {
        _known(authority_);
        if (key == address(0)) revert InvalidKey(key);
        if (until < from) revert InvalidWindow(from, until);
        Window storage window = _windows[authority_][key];
        if (window.compromisedFrom != 0) revert KeyDeclaredCompromised(authority_, key, window.compromisedFrom);
        (window.from, window.until) = (from, until);
        emit KeySet(authority_, key, from, until);
    }

    function _known(uint16 authority_) private view returns (Authority storage it) {
        it = _authorities[authority_];
        if (!it.known) revert UnknownAuthority(authority_);
    }

    function _mandate(Authority storage it) private view returns (uint256) {
        return block.timestamp < it.mandateFrom ? it.mandateBefore : it.mandate;
    }

    function _weighty(Authority storage it) private view returns (uint256) {
        return block.timestamp < it.mandateFrom ? it.weightyBefore : it.weighty;
    }

    // slither-disable-end timestamp

    function _isWallet(address key) private view returns (bool) {
        return key.code.length != 0 && bytes3(key.code) != DELEGATION;
    }

    /// @dev Codes are shown to people and stand before the number in a record's name, so they are kept plain.
    function _checkCode(bytes32 code) private pure {
        uint256 length;
        while (length < MAX_CODE && code[length] != 0) {
            bytes1 c = code[length];
            bool plain = (c >= "A" && c <= "Z") || (c >= "0" && c <= "9") || c == "-";
            if (!plain) revert InvalidCode(code);
            ++length;
        }
        if (length == 0 || code << (8 * length) != 0) revert InvalidCode(code);
    }
}
