// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "./IAuthorities.sol";
import {IEnterprises} from "./IEnterprises.sol";

/// @title ICreditLedger
/// @notice Append-only credit records about enterprises, written by public authorities.
/// @dev A RECORD is 64 bytes, big endian:
///
///   bytes  0..8    enterprise   u64   whom it is about
///          8..10   type         u16   which event, see below
///         10       severity     u8    0 none, 1 minor, 2 general, 3 serious
///         11..15   conductOn    u32   day of the conduct
///         15..19   decidedOn    u32   day of the decision; not before `conductOn`, not after today
///         19..27   ref          u64   what the record refers to, see below
///         27..32   spare              zero
///         32..64   commitment         salted commitment to the document
///
/// Days are civil days since 1970-01-01 in China Standard Time (UTC+8, without daylight saving).
///
/// The type decides what `ref` must be:
///
///     1..239  events      zero
///   240..247  lifecycle   id of an earlier record of the same authority, written before this batch: who determined it
///                         corrects, revokes and repairs it. That both records concern the same enterprise is left to
///                         readers, who have both.
///   248..255  links       number of another registered enterprise
///
/// A record's ID is `authority u16 << 48 | number u48`. Numbers are consecutive per authority and begin with 1; a batch
/// names its first number, so that it cannot be replayed or reordered, and none can go missing unnoticed.
///
/// A BATCH is sorted by enterprise. The consecutive records of one enterprise in it are a RUN. Each run
///
///   1. moves on the enterprise's head:  head' = keccak256(head | firstRecordId u256 | records of the run);
///   2. appends a leaf to one log:       leaf  = SHA-256(0x00 | enterprise u64 | head').
///
/// The log is the Merkle tree of RFC 6962, section 2.1 (RFC 9162 keeps it), so that any verifier of Certificate
/// Transparency proofs can check inclusion in it and consistency of its roots.
///
/// A batch comes from a key of the authority, as the sender of `record` or as the signer of `recordSigned`. Both entries
/// make the same checks and leave the same state and logs: one `BatchRecorded`, then a `Recorded` per run.
interface ICreditLedger is IEnterprises {
    /// @notice A batch was recorded. Its runs follow in the same transaction.
    /// @param authority Who wrote it.
    /// @param key The key that answers for it: sender or signer.
    /// @param firstNumber Number of its first record.
    /// @param count How many records it has.
    event BatchRecorded(uint16 indexed authority, address indexed key, uint48 firstNumber, uint32 count);

    /// @notice A run was recorded.
    /// @param enterprise Whom it is about.
    /// @param authority Who wrote it.
    /// @param firstRecordId Id of its first record; the others follow by one.
    /// @param leafIndex Index of its leaf in the log.
    /// @param head The enterprise's head after it.
    /// @param records The records themselves, 64 bytes each.
    event Recorded(
        uint64 indexed enterprise,
        uint16 indexed authority,
        uint64 firstRecordId,
        uint64 leafIndex,
        bytes32 head,
        bytes records
    );

    /// @notice Every signature of the authority that was not used yet is void.
    /// @param authority Its number.
    /// @param epoch What its signatures name from now on.
    event SignaturesInvalidated(uint16 indexed authority, uint64 epoch);

    /// @notice The size and root of the log, for readers who want a fixed point.
    /// @param size How many leaves it has.
    /// @param root Its RFC 6962 root.
    event TreeHead(uint64 size, bytes32 root);

    /// @notice A constructor was given an address without code.
    error NotAContract(address account);
    /// @notice A batch is 1 to 1,000 whole records.
    error InvalidLength(uint256 length);
    /// @notice The authority's next record is `expected`. A caller who repeats a batch is told so here.
    error WrongNumber(uint48 expected);
    /// @notice The signature was to be used by `deadline`.
    error SignatureExpired(uint64 deadline);
    /// @notice The signature is not one of this batch by `key`.
    error InvalidSignature(address key);

    // The rest name the offending record by its index in the batch.

    /// @notice Nobody is registered under this number.
    error UnknownEnterprise(uint256 index, uint64 enterprise);
    /// @notice The enterprise comes before, or again after, the one before it.
    error Unsorted(uint256 index);
    /// @notice One of the 40 spare bits is set.
    error SpareBitsSet(uint256 index);
    /// @notice There is no such severity.
    error InvalidSeverity(uint256 index, uint8 severity);
    /// @notice A record of this type needs a contract wallet as key. See `IAuthorities.setFourEyes`.
    error NeedsWallet(uint256 index);
    /// @notice The authority may not write records of this type.
    error TypeOutsideMandate(uint256 index, uint16 recordType);
    /// @notice Nothing is decided before it happens.
    error DecidedBeforeConduct(uint256 index, uint32 conductOn, uint32 decidedOn);
    /// @notice Nothing has been decided tomorrow.
    error DecidedInFuture(uint256 index, uint32 decidedOn, uint32 today);
    /// @notice An event refers to nothing, a lifecycle record to an earlier one of its authority, and a link to another
    /// registered enterprise.
    error InvalidReference(uint256 index, uint64 ref);

    /// @notice Record a batch; the caller is a key of the authority.
    /// @dev Reverts with one of the errors above, or of `IAuthorities.authorize`.
    /// @param authority For whom the caller writes.
    /// @param firstNumber Number of its first record: `recordCount(authority) + 1`.
    /// @param records Records of 64 bytes, sorted by enterprise.
    function record(uint16 authority, uint48 firstNumber, bytes calldata records) external;

    /// @notice Record a batch signed by a key of the authority; anyone may relay it.
    /// @dev Signs EIP-712 data in the domain ("CreditLedger", "1", chain id, this contract):
    ///
    ///   RecordBatch(string authority,uint48 firstNumber,uint32 count,uint16[] types,uint64 epoch,uint64 deadline,
    ///               bytes32 recordsHash)
    ///
    /// (without the line break), which a wallet shows to the officer: `authority` is its code ("US-CPSC"), `types` are those
    /// in the batch, each once and ascending, `epoch = signatureEpoch(authority)` and `recordsHash = keccak256(records)`.
    /// The number stands for a nonce: recording anything else under it cancels the signature, and so does
    /// `invalidateSignatures`.
    /// @param authority For whom the signer writes.
    /// @param firstNumber Number of its first record: `recordCount(authority) + 1`.
    /// @param deadline Last second at which the signature may be used.
    /// @param key The signer: an account, or a contract that implements ERC-1271.
    /// @param records Records of 64 bytes, sorted by enterprise.
    /// @param signature 65 bytes (r, s, v) of an account, or whatever the contract takes.
    function recordSigned(
        uint16 authority,
        uint48 firstNumber,
        uint64 deadline,
        address key,
        bytes calldata records,
        bytes calldata signature
    ) external;

    /// @notice Cancel every signature of the authority that was not used yet; the caller is one of its keys.
    /// @dev Reverts with an error of `IAuthorities.authorize`.
    /// @param authority For whom the caller speaks.
    /// @return epoch The epoch that the next signature has to name.
    function invalidateSignatures(uint16 authority) external returns (uint64 epoch);

    /// @notice Publish the log's size and root as an event. Anyone may, as often as readers want fixed points.
    /// @return root_ The root.
    function checkpoint() external returns (bytes32 root_);

    /// @notice Who may write.
    /// @return The contract that is asked about every batch; never another.
    function authorities() external view returns (IAuthorities);

    /// @notice How many records an authority has written.
    /// @param authority Its number.
    /// @return Also the number of its last record.
    function recordCount(uint16 authority) external view returns (uint48);

    /// @notice The epoch that an authority's signatures name.
    /// @param authority Its number.
    /// @return How often it has invalidated them.
    function signatureEpoch(uint16 authority) external view returns (uint64);

    /// @notice How many leaves the log has.
    /// @return One per run.
    function logSize() external view returns (uint64);

    /// @notice Root of the log as RFC 6962 defines it for any size.
    /// @return The root; SHA-256 of nothing when the log is empty.
    function root() external view returns (bytes32);
}
