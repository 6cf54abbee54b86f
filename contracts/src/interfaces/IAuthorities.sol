// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IAuthorities
/// @notice Who may write records: the public authorities, the event types each may determine, and the keys each uses.
/// @dev Authorities are numbered from 1 in the order of their admission and never removed, so that a number on a record
/// names the same authority for ever. Every setting is data with a time, and every change is an event: a reader who
/// replays the events in order knows at any block what `authorize` would have answered. At time t
///
///   - the mandate is that of the last `MandateSet`, in log order, with `from <= t`;
///   - a key is valid when the last `KeySet` for it, in log order, has `from <= t < until`;
///   - a key that was declared compromised is never valid again, from the declaration on;
///   - the authority is suspended when its last `SuspensionSet` says so;
///   - records of the types that this mandate calls weighty need a wallet when its last `FourEyesSet` says so.
///
/// Times are Unix seconds and are compared with the block's timestamp.
interface IAuthorities {
    /// @notice An authority was admitted.
    /// @param authority Its number: one more than that of the authority before it.
    /// @param code Its name in short: 1 to 20 ASCII capitals, digits and hyphens, left-aligned and filled with zeros ("US-CPSC").
    event AuthorityAdded(uint16 indexed authority, bytes32 code);

    /// @notice An authority's mandate changes.
    /// @param authority Its number.
    /// @param mandate Bit t is set when records of type t may be written. Bit 0 means nothing: there is no type 0.
    /// @param weighty Bit t is set when records of type t are weighty, see `setFourEyes`.
    /// @param from First second at which both hold; not before the block of the event.
    event MandateSet(uint16 indexed authority, uint256 mandate, uint256 weighty, uint64 from);

    /// @notice The window of one of an authority's keys is now `[from, until)`, whatever it was before.
    /// @param authority Its number.
    /// @param key An account, or a contract that implements ERC-1271.
    /// @param from First second at which it is valid.
    /// @param until First second at which it no longer is; `from` for a window that is empty.
    event KeySet(uint16 indexed authority, address indexed key, uint64 from, uint64 until);

    /// @notice One of an authority's keys was in the wrong hands from `from` on, which may lie in the past.
    /// @dev What the key wrote before `from` stays good. What it wrote between `from` and this event stays written, and is
    /// for the authority to review. After this event it writes nothing.
    /// @param authority Its number.
    /// @param key Which of its keys.
    /// @param from First second at which it was.
    event KeyCompromised(uint16 indexed authority, address indexed key, uint64 from);

    /// @notice Whether the authority's weighty records are taken from contract wallets only. See `setFourEyes`.
    /// @param authority Its number.
    /// @param required True from here on when they are.
    event FourEyesSet(uint16 indexed authority, bool required);

    /// @notice An authority was suspended, or let write again.
    /// @param authority Its number.
    /// @param suspended True when it may not write.
    event SuspensionSet(uint16 indexed authority, bool suspended);

    /// @notice No authority has this number.
    error UnknownAuthority(uint16 authority);
    /// @notice The code is empty or too long, or has a byte other than `A-Z`, `0-9` and `-` before its zero fill.
    error InvalidCode(bytes32 code);
    /// @notice Another authority already has this code.
    error CodeTaken(bytes32 code, uint16 authority);
    /// @notice A mandate cannot hold from before the present block.
    error MandateInPast(uint64 from, uint64 present);
    /// @notice A change of mandate is already waiting for `waitingFrom`, and this one (for the later `from`) would leave
    /// two of them waiting. Set one that holds no later than the waiting one: it takes its place.
    error MandateWaiting(uint64 waitingFrom, uint64 from);
    /// @notice The address cannot be a key.
    error InvalidKey(address key);
    /// @notice The window ends before it begins.
    error InvalidWindow(uint64 from, uint64 until);
    /// @notice The authority may not write at present.
    error Suspended(uint16 authority);
    /// @notice The address is not a key of the authority, or its window does not cover the present block.
    error KeyNotValid(uint16 authority, address key);

    /// @notice The key was declared compromised, and stays so; the authority needs another one.
    error KeyDeclaredCompromised(uint16 authority, address key, uint64 from);
    /// @notice A key is declared compromised from a time that has come, and from an earlier one when it is done again.
    error InvalidCompromise(uint64 from, uint64 latest);

    /// @notice Admit an authority with a mandate and a first key, both valid from this block.
    /// @dev Emits `AuthorityAdded`, `MandateSet` and `KeySet`.
    /// @param code See `AuthorityAdded`; unique.
    /// @param mandate The types that it may write, see `MandateSet`.
    /// @param weighty Those of them that are weighty, see `setFourEyes`.
    /// @param key See `setKey`.
    /// @param until First second at which the key is no longer valid.
    /// @return authority Its number.
    function addAuthority(
        bytes32 code,
        uint256 mandate,
        uint256 weighty,
        address key,
        uint64 until
    ) external returns (uint16 authority);

    /// @notice Give an authority another mandate, now or from a later time.
    /// @dev At most one change waits at a time; a change that holds no later than the waiting one replaces it.
    /// @param authority Its number.
    /// @param mandate The types that it may write, see `MandateSet`; all of them, not only what changes.
    /// @param weighty The weighty types, see `setFourEyes`; all of them, too.
    /// @param from First second at which both hold; not before the present block.
    function setMandate(uint16 authority, uint256 mandate, uint256 weighty, uint64 from) external;

    /// @notice Set the window of one key: a new key to rotate, an `until` that is not in the future to revoke.
    /// @dev Windows may lie in the past, which does not undo what the key wrote. Reverts with `KeyDeclaredCompromised` for a
    /// key that was: it cannot be made good again.
    /// @param authority Its number.
    /// @param key An account, or a contract that implements ERC-1271.
    /// @param from First second at which it is valid.
    /// @param until First second at which it no longer is; not before `from`.
    function setKey(uint16 authority, address key, uint64 from, uint64 until) external;

    /// @notice Say that a key was in the wrong hands from `from` on. See `KeyCompromised`.
    /// @dev Batches that it signed earlier and that nobody has posted are refused too: when something was signed is not
    /// known on chain. A declaration is final. Another one may only move `from` to an earlier time.
    /// @param authority Its number.
    /// @param key Which of its keys; also one whose window is over.
    /// @param from Not 0, and not after the present block.
    function declareCompromised(uint16 authority, address key, uint64 from) external;

    /// @notice Require that weighty records come from a contract wallet, whose rule (k of n officers) then holds for them.
    /// Which types are weighty is set with the mandate: what is serious, and what is no event, since a correction, a
    /// revocation or a link can undo or move a serious record. The severity in a record is its writer's word and does
    /// not count here. Answers to objections are weighty, whatever their outcome.
    /// @dev That the wallet asks for two officers is for the governor to see to when it sets the key. An account that has
    /// delegated to code (EIP-7702) still has a single key of its own, and does not count as a wallet.
    /// @param authority Its number.
    /// @param required False to take them from any key again.
    function setFourEyes(uint16 authority, bool required) external;

    /// @notice Suspend an authority, or let it write again. Mandate and keys stay as they are.
    /// @param authority Its number.
    /// @param suspended_ True to suspend it.
    function setSuspended(uint16 authority, bool suspended_) external;

    /// @notice How many authorities there are.
    /// @return Also the number of the last one.
    function authorityCount() external view returns (uint16);

    /// @notice Find an authority by its code.
    /// @param code See `AuthorityAdded`.
    /// @return authority Its number; 0 when no authority has this code.
    function authorityOf(bytes32 code) external view returns (uint16 authority);

    /// @notice The mandate that holds in this block.
    /// @param authority Its number.
    /// @return mandate The types, see `MandateSet`; 0 for an unknown authority.
    function mandateNow(uint16 authority) external view returns (uint256 mandate);

    /// @notice The types that are weighty in this block, whether or not four eyes are asked for.
    /// @param authority Its number.
    /// @return weighty The types, see `MandateSet`; 0 for an unknown authority.
    function weightyNow(uint16 authority) external view returns (uint256 weighty);

    /// @notice The window of a key, `[from, until)`; `(0, 0)` when none was ever set.
    /// @param authority Its number.
    /// @param key Which of its keys.
    /// @return from First second at which it is valid.
    /// @return until First second at which it no longer is.
    function keyWindow(uint16 authority, address key) external view returns (uint64 from, uint64 until);

    /// @notice Whether an authority is suspended.
    /// @param authority Its number.
    /// @return False also for an unknown authority.
    function suspended(uint16 authority) external view returns (bool);

    /// @notice Whether an authority's weighty records are taken from contract wallets only. See `setFourEyes`.
    /// @param authority Its number.
    /// @return False also for an unknown authority.
    function fourEyes(uint16 authority) external view returns (bool);

    /// @notice Since when a key counts as compromised.
    /// @param authority Its number.
    /// @param key Which of its keys.
    /// @return from First second at which it did; 0 when it was not declared so.
    function compromisedFrom(uint16 authority, address key) external view returns (uint64 from);

    /// @notice What `key` may write for `authority` in this block.
    /// @dev Reverts with `UnknownAuthority`, `Suspended`, `KeyDeclaredCompromised` or `KeyNotValid`, in this order.
    /// @param authority Its number.
    /// @param key Who sends, or has signed.
    /// @return mandate The types, see `MandateSet`.
    /// @return needsWallet The types refused because they are weighty and the key is an account; see `setFourEyes`.
    /// @return code The authority's name in short, see `AuthorityAdded`.
    function authorize(
        uint16 authority,
        address key
    ) external view returns (uint256 mandate, uint256 needsWallet, bytes32 code);
}
