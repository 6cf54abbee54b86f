// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Enterprises} from "./Enterprises.sol";
import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {ICreditLedger} from "./interfaces/ICreditLedger.sol";
import {CivilDay} from "./libraries/CivilDay.sol";
import {Codes} from "./libraries/Codes.sol";
import {MerkleLog} from "./libraries/MerkleLog.sol";

/// @title CreditLedger
/// @notice Implementation of `ICreditLedger`. There is no owner, no proxy and no way to change or remove a record.
contract CreditLedger is ICreditLedger, EIP712, Enterprises {
    using MerkleLog for bytes32[64];
    using Codes for bytes32;

    /// @dev What a record is checked against: the same for the whole batch.
    struct Batch {
        uint256 firstId;
        uint256 mandate;
        uint256 today;
        uint256 enterprises;
        uint256 types; // found so far, as bits
    }

    /// @dev One slot, which a batch reads and writes.
    struct Written {
        uint48 records;
        uint64 signatureEpoch;
    }

    uint256 private constant RECORD_BYTES = 64;
    uint256 private constant MAX_RECORDS = 1000;
    uint256 private constant MAX_SEVERITY = 3;
    uint256 private constant FIRST_LIFECYCLE_TYPE = 240;
    uint256 private constant FIRST_LINK_TYPE = 248;
    /// @dev Bits that no event sets: spare, reference, and those of severities above 3.
    uint256 private constant ZERO_IN_EVENTS = type(uint104).max | (0xfc << 168);
    /// @dev The part of a mandate that is about events.
    uint256 private constant EVENTS = type(uint240).max;

    bytes32 private constant BATCH_TYPEHASH = keccak256(
        "RecordBatch(string authority,uint48 firstNumber,uint32 count,uint16[] types,uint64 epoch,uint64 deadline,"
        "bytes32 recordsHash)"
    );

    /// @inheritdoc ICreditLedger
    IAuthorities public immutable authorities;

    /// @inheritdoc ICreditLedger
    uint64 public logSize;

    bytes32[64] private _peaks;

    mapping(uint16 authority => Written) private _written;

    constructor(address authorities_, address accessManager) EIP712("CreditLedger", "1") AccessManaged(accessManager) {
        if (authorities_.code.length == 0) revert NotAContract(authorities_);
        authorities = IAuthorities(authorities_);
        _peaks.prepare();
    }

    // ------------------------------------------------------------------ writing

    /// @inheritdoc ICreditLedger
    function record(uint16 authority_, uint48 firstNumber, bytes calldata records) external {
        uint256 count = _checkNumbers(authority_, firstNumber, records);
        // The code is what a signature names; here there is none.
        // slither-disable-next-line unused-return
        (uint256 mandate, uint256 needsWallet, ) = authorities.authorize(authority_, msg.sender);
        _record(authority_, firstNumber, msg.sender, mandate, needsWallet, records, count);
    }

    /// @inheritdoc ICreditLedger
    function recordSigned(
        uint16 authority_,
        uint48 firstNumber,
        uint64 deadline,
        address key,
        bytes calldata records,
        bytes calldata signature
    ) external {
        // A validator can shift the time by seconds, which no deadline of a signature depends on.
        // slither-disable-next-line timestamp
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        uint256 count = _checkNumbers(authority_, firstNumber, records);
        (uint256 mandate, uint256 needsWallet, bytes32 code) = authorities.authorize(authority_, key);
        // The types are known once the records are checked; a wrong signature undoes what was written meanwhile.
        uint256 types = _record(authority_, firstNumber, key, mandate, needsWallet, records, count);
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    BATCH_TYPEHASH,
                    code.hashOf(),
                    firstNumber,
                    count,
                    _hashTypes(types),
                    _written[authority_].signatureEpoch,
                    deadline,
                    keccak256(records)
                )
            )
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(key, digest, signature)) revert InvalidSignature(key);
    }

    /// @inheritdoc ICreditLedger
    function invalidateSignatures(uint16 authority_) external returns (uint64 epoch) {
        // It reverts for anyone but a key; what it returns is about records.
        // slither-disable-next-line unused-return
        authorities.authorize(authority_, msg.sender);
        epoch = ++_written[authority_].signatureEpoch;
        emit SignaturesInvalidated(authority_, epoch);
    }

    /// @inheritdoc ICreditLedger
    function checkpoint() external returns (bytes32 root_) {
        root_ = root();
        emit TreeHead(logSize, root_);
    }

    /// @inheritdoc ICreditLedger
    function root() public view returns (bytes32) {
        return _peaks.root(logSize);
    }

    /// @inheritdoc ICreditLedger
    function recordCount(uint16 authority_) external view returns (uint48) {
        return _written[authority_].records;
    }

    /// @inheritdoc ICreditLedger
    function signatureEpoch(uint16 authority_) external view returns (uint64) {
        return _written[authority_].signatureEpoch;
    }

    // ------------------------------------------------------------------ inside

    /// @dev What a caller who repeats a batch is told before anything else.
    function _checkNumbers(
        uint16 authority_,
        uint48 firstNumber,
        bytes calldata records
    ) private view returns (uint256 count) {
        count = records.length / RECORD_BYTES;
        if (count == 0 || count > MAX_RECORDS || records.length % RECORD_BYTES != 0) {
            revert InvalidLength(records.length);
        }
        uint48 expected = _written[authority_].records + 1;
        if (firstNumber != expected) revert WrongNumber(expected);
    }

    /// @dev Where direct and signed entry end. `key` has sent or signed the batch and may write it. Returns the types
    /// that occur in it, as bits.
    function _record(
        uint16 authority_,
        uint48 firstNumber,
        address key,
        uint256 mandate,
        uint256 needsWallet,
        bytes calldata records,
        uint256 count
    ) private returns (uint256 types) {
        if (needsWallet != 0) _checkWeight(needsWallet, records, count);
        Batch memory batch = Batch({
            firstId: (uint256(authority_) << 48) | firstNumber,
            mandate: mandate & ~uint256(1), // there is no type 0
            today: CivilDay.today(),
            enterprises: enterpriseCount,
            types: 0
        });

        _written[authority_].records = firstNumber + uint48(count) - 1;
        emit BatchRecorded(authority_, key, firstNumber, uint32(count));
        _recordRuns(authority_, batch, records, count);
        return batch.types;
    }

    /// @dev Split the batch into runs; check, chain, log and emit each. Nothing here can overflow: indexes are below
    /// `MAX_RECORDS`, ids below 2**64, and a log that grows by a leaf per run does not come near 2**64.
    function _recordRuns(uint16 authority_, Batch memory batch, bytes calldata records, uint256 count) private {
        // Zero as it begins: no peak is written yet.
        // slither-disable-next-line uninitialized-local
        bytes32[64] memory fresh;
        uint256 size = logSize;
        uint256 previous = 0; // enterprises begin with 1
        uint256 start;
        unchecked {
            while (start < count) {
                uint256 enterprise = _word(records, start) >> 192;
                if (enterprise == 0 || enterprise > batch.enterprises) {
                    revert UnknownEnterprise(start, uint64(enterprise));
                }
                if (enterprise <= previous) revert Unsorted(start);

                uint256 end = _checkRun(batch, records, start, count);
                bytes calldata run = records[start * RECORD_BYTES:end * RECORD_BYTES];
                uint256 firstId = batch.firstId + start;
                Head storage chain = _heads[uint64(enterprise)];
                bytes32 next = _chain(chain.end, firstId, run);

                chain.end = next;
                _peaks.append(fresh, size, MerkleLog.leafHash(uint64(enterprise), next));
                emit Recorded(uint64(enterprise), authority_, uint64(firstId), uint64(size), next, run);

                (previous, start) = (enterprise, end);
                ++size;
            }
        }
        logSize = uint64(size);
        _peaks.store(fresh, size);
    }

    /// @dev Check the records of the run that begins at `start`, and find its end: the index after its last record.
    function _checkRun(
        Batch memory batch,
        bytes calldata records,
        uint256 start,
        uint256 count
    ) private pure returns (uint256 end) {
        (uint256 mandate, uint256 today) = (batch.mandate & EVENTS, batch.today);
        uint256 word = _word(records, start);
        uint256 enterprise = word >> 192;
        end = start;
        unchecked {
            do {
                // Nearly every record is an event without fault, and this one condition lets it pass. A type above 255
                // shifts every bit out of the mandate; a negative difference wraps, which sets its high bits.
                uint256 decidedOn = uint32(word >> 104);
                uint256 doubts =
                    (word & ZERO_IN_EVENTS) |
                        (~(mandate >> uint16(word >> 176)) & 1) |
                        ((decidedOn - uint32(word >> 136)) >> 32) |
                        ((today - decidedOn) >> 32);
                if (doubts != 0) _checkRecord(batch, word, end);
                batch.types |= 1 << uint16(word >> 176);

                if (++end == count) break;
                word = _word(records, end);
            } while (word >> 192 == enterprise);
        }
    }

    /// @dev Check the first word of record number `index` of the batch, in full, and name its fault.
    function _checkRecord(Batch memory batch, uint256 word, uint256 index) private pure {
        uint16 kind = uint16(word >> 176);
        uint8 severity = uint8(word >> 168);
        uint32 conductOn = uint32(word >> 136);
        uint32 decidedOn = uint32(word >> 104);
        uint64 ref = uint64(word >> 40);

        if (uint40(word) != 0) revert SpareBitsSet(index);
        if (severity > MAX_SEVERITY) revert InvalidSeverity(index, severity);
        if ((batch.mandate >> kind) & 1 == 0) revert TypeOutsideMandate(index, kind);
        if (conductOn > decidedOn) revert DecidedBeforeConduct(index, conductOn, decidedOn);
        if (decidedOn > batch.today) revert DecidedInFuture(index, decidedOn, uint32(batch.today));

        bool valid;
        if (kind < FIRST_LIFECYCLE_TYPE) valid = ref == 0;
        else if (kind < FIRST_LINK_TYPE) valid = ref < batch.firstId && ref > (batch.firstId >> 48) << 48;
        else valid = ref != 0 && ref <= batch.enterprises && ref != word >> 192;
        if (!valid) revert InvalidReference(index, ref);
    }

    /// @dev Only for the few batches that need it, so that the others do not pay for it. A type above 255 is in no set.
    function _checkWeight(uint256 needsWallet, bytes calldata records, uint256 count) private pure {
        for (uint256 index; index < count; ++index) {
            uint256 kind = uint16(_word(records, index) >> 176);
            if ((needsWallet >> kind) & 1 == 1) revert NeedsWallet(index);
        }
    }

    /// @dev keccak256 of the types that are set in `types`, ascending, each a word: an array in EIP-712.
    function _hashTypes(uint256 types) private pure returns (bytes32 hash) {
        uint256 count = 0;
        uint256[] memory list;
        unchecked {
            for (uint256 left = types; left != 0; left &= left - 1) {
                ++count;
            }
            list = new uint256[](count);
            for (uint256 i; i < count; ++i) {
                list[i] = Math.log2(types & (~types + 1)); // the lowest bit
                types &= types - 1;
            }
        }
        // Solidity would first copy the list into a `bytes`, a word at a time.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            hash := keccak256(add(list, 0x20), shl(5, count))
        }
    }

    /// @dev First word of record number `index`.
    function _word(bytes calldata records, uint256 index) private pure returns (uint256 word) {
        // A slice would be checked against the length, which `_checkNumbers` has done for all records at once.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            word := calldataload(add(records.offset, shl(6, index)))
        }
    }

    /// @dev keccak256(head | firstRecordId u256 | run), in memory that is free again afterwards.
    function _chain(bytes32 before, uint256 firstRecordId, bytes calldata run) private pure returns (bytes32 next) {
        // `abi.encodePacked` would leave a copy of every run in memory, and the more memory, the dearer it gets.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, before)
            mstore(add(free, 0x20), firstRecordId)
            calldatacopy(add(free, 0x40), run.offset, run.length)
            next := keccak256(free, add(0x40, run.length))
        }
    }
}
