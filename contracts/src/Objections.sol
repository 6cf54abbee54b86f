// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {ICreditLedger} from "./interfaces/ICreditLedger.sol";
import {IObjections} from "./interfaces/IObjections.sol";
import {CivilDay} from "./libraries/CivilDay.sol";
import {Codes} from "./libraries/Codes.sol";

/// @title Objections
/// @notice Implementation of `IObjections`; keys, periods and `openFor` are restricted by the access manager.
contract Objections is IObjections, EIP712, AccessManaged {
    using Codes for bytes32;

    struct Objection {
        uint64 enterprise;
        uint64 recordId;
        uint32 openedOn;
        uint32 dueOn;
        Outcome outcome;
    }

    uint32 private constant STATUTORY_DAYS = 20;
    uint32 private constant MAX_PERIOD = 60;

    bytes32 private constant ANSWER_TYPEHASH = keccak256(
        "ObjectionAnswer(uint64 objection,uint64 enterprise,string authority,uint48 record,uint8 outcome,bytes32 answer,"
        "uint64 epoch,uint64 deadline)"
    );

    /// @inheritdoc IObjections
    ICreditLedger public immutable ledger;

    /// @inheritdoc IObjections
    uint64 public objectionCount;

    uint32 private _period; // holds from `_periodFrom` on, `_periodBefore` until then
    uint32 private _periodBefore;
    uint32 private _periodFrom;

    /// @inheritdoc IObjections
    mapping(uint64 objection => Objection) public objectionAt;

    /// @inheritdoc IObjections
    mapping(uint64 enterprise => mapping(uint64 recordId => uint64 objection)) public openObjection;

    /// @inheritdoc IObjections
    mapping(uint64 enterprise => address key) public enterpriseKey;

    constructor(address ledger_, address accessManager) EIP712("Objections", "1") AccessManaged(accessManager) {
        if (ledger_.code.length == 0) revert NotAContract(ledger_);
        ledger = ICreditLedger(ledger_);
        (_period, _periodFrom) = (STATUTORY_DAYS, CivilDay.today());
        emit AnswerPeriodSet(_period, _periodFrom);
    }

    // ------------------------------------------------------------------ governance and registration

    /// @inheritdoc IObjections
    function setAnswerPeriod(uint32 period, uint32 from) external restricted {
        uint32 today = CivilDay.today();
        if (period == 0 || period > MAX_PERIOD || from < today) revert InvalidPeriod(period, from);
        if (_periodFrom > today) {
            if (from > _periodFrom) revert PeriodWaiting(_periodFrom, from);
        } else {
            _periodBefore = _period;
        }
        (_period, _periodFrom) = (period, from);
        emit AnswerPeriodSet(period, from);
    }

    /// @inheritdoc IObjections
    function setEnterpriseKey(uint64 enterprise, address key) external restricted {
        _checkEnterprise(enterprise);
        enterpriseKey[enterprise] = key;
        emit EnterpriseKeySet(enterprise, key);
    }

    // ------------------------------------------------------------------ objecting and answering

    /// @inheritdoc IObjections
    function open(uint64 enterprise, uint64 recordId, bytes32 grounds) external returns (uint64) {
        if (msg.sender != enterpriseKey[enterprise]) revert NotTheEnterprise(enterprise, msg.sender);
        return _open(enterprise, recordId, grounds);
    }

    /// @inheritdoc IObjections
    function openFor(uint64 enterprise, uint64 recordId, bytes32 grounds) external restricted returns (uint64) {
        _checkEnterprise(enterprise);
        address key = enterpriseKey[enterprise];
        if (key != address(0)) revert HasKey(enterprise, key);
        return _open(enterprise, recordId, grounds);
    }

    /// @inheritdoc IObjections
    function answer(uint64 objection, Outcome outcome, bytes32 answer_) external {
        _answer(objection, outcome, answer_, msg.sender);
    }

    /// @inheritdoc IObjections
    function answerSigned(
        uint64 objection,
        Outcome outcome,
        bytes32 answer_,
        uint64 deadline,
        address key,
        bytes calldata signature
    ) external {
        // A validator can shift the time by seconds, which no deadline of a signature depends on.
        // slither-disable-next-line timestamp
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        Objection memory it = objectionAt[objection];
        bytes32 code = _answer(objection, outcome, answer_, key);
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    ANSWER_TYPEHASH,
                    objection,
                    it.enterprise,
                    code.hashOf(),
                    uint48(it.recordId),
                    outcome,
                    answer_,
                    ledger.signatureEpoch(uint16(it.recordId >> 48)),
                    deadline
                )
            )
        );
        // A wrong signature undoes what was written meanwhile.
        if (!SignatureChecker.isValidSignatureNowCalldata(key, digest, signature)) revert InvalidSignature(key);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IObjections
    function overdue(uint64 objection) external view returns (bool) {
        Objection storage it = objectionAt[objection];
        return it.enterprise != 0 && it.outcome == Outcome.Open && CivilDay.today() > it.dueOn;
    }

    /// @inheritdoc IObjections
    function answerPeriod() public view returns (uint32) {
        return CivilDay.today() < _periodFrom ? _periodBefore : _period;
    }

    // ------------------------------------------------------------------ inside

    /// @dev Where both entries end. The caller may speak for the enterprise.
    function _open(uint64 enterprise, uint64 recordId, bytes32 grounds) private returns (uint64 objection) {
        uint48 number = uint48(recordId);
        if (number == 0 || number > ledger.recordCount(uint16(recordId >> 48))) revert UnknownRecord(recordId);
        objection = openObjection[enterprise][recordId];
        if (objection != 0) revert AlreadyOpen(objection);

        objection = ++objectionCount;
        uint32 today = CivilDay.today();
        uint32 dueOn = today + answerPeriod();
        objectionAt[objection] = Objection(enterprise, recordId, today, dueOn, Outcome.Open);
        openObjection[enterprise][recordId] = objection;
        emit ObjectionOpened(objection, enterprise, recordId, msg.sender, today, dueOn, grounds);
    }

    /// @dev Where direct and signed answer end. `key` has sent or signed it. Returns the authority's code.
    function _answer(uint64 objection, Outcome outcome, bytes32 answer_, address key) private returns (bytes32 code) {
        Objection storage it = objectionAt[objection];
        if (it.enterprise == 0 || it.outcome != Outcome.Open) revert NotOpen(objection);
        if (outcome == Outcome.Open) revert NoAnswer();
        uint256 needsWallet = 0;
        // It reverts for anyone but a key of the authority; the mandate is about records.
        // slither-disable-next-line unused-return
        (, needsWallet, code) = ledger.authorities().authorize(uint16(it.recordId >> 48), key);
        if (needsWallet != 0) revert AnswerNeedsWallet(objection);

        it.outcome = outcome;
        delete openObjection[it.enterprise][it.recordId];
        emit ObjectionAnswered(objection, key, outcome, answer_);
    }

    function _checkEnterprise(uint64 enterprise) private view {
        if (enterprise == 0 || enterprise > ledger.enterpriseCount()) revert UnknownEnterprise(enterprise);
    }
}
