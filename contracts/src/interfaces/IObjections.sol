// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ICreditLedger} from "./ICreditLedger.sol";

/// @title IObjections
/// @notice Objections of enterprises to records about them, and the authorities' answers, by the statutory clock.
/// @dev An objection is opened by the enterprise's own key or, for an enterprise without one, by a registrar for it, and
/// answered by the authority that made the record. It does not change the record: an authority that upholds it corrects
/// or revokes the record as always. The statement and the answer stay off chain; commitments to them are here.
///
/// Days are civil days since 1970-01-01 in China Standard Time (UTC+8). The clock runs in calendar days, as article 25 of
/// the Regulation on the Administration of the Credit Reporting Industry has it, which gives 20.
///
/// A record's contents are not on chain where a contract could read them. That it is about the enterprise which objects
/// is left to readers, who have both; an objection to somebody else's record stands in nobody's way.
interface IObjections {
    /// @notice How an objection was answered. `Open`: not yet.
    enum Outcome {
        Open,
        Upheld,
        PartlyUpheld,
        Rejected
    }

    /// @notice Objections opened from `from` on are to be answered within `period` days.
    event AnswerPeriodSet(uint32 period, uint32 from);

    /// @notice The account that speaks for an enterprise; 0 for none.
    event EnterpriseKeySet(uint64 indexed enterprise, address key);

    /// @notice An objection was opened.
    /// @param objection Its number: one more than that of the objection before it; the first is 1.
    /// @param recordId The record it is about.
    /// @param by The enterprise's key, or the registrar who opened it for an enterprise without one.
    /// @param dueOn Last day on which the answer is in time.
    /// @param grounds Salted commitment to the statement.
    event ObjectionOpened(
        uint64 indexed objection,
        uint64 indexed enterprise,
        uint64 indexed recordId,
        address by,
        uint32 openedOn,
        uint32 dueOn,
        bytes32 grounds
    );

    /// @notice An objection was answered.
    /// @param by The authority's key.
    /// @param answer Salted commitment to the written answer.
    event ObjectionAnswered(uint64 indexed objection, address by, Outcome outcome, bytes32 answer);

    /// @notice A constructor was given an address without code.
    error NotAContract(address account);
    /// @notice A period is at least one day, and holds from today on at the earliest.
    error InvalidPeriod(uint32 period, uint32 from);
    /// @notice A change is already waiting for `waitingFrom`. Set one that holds no later: it takes its place.
    error PeriodWaiting(uint32 waitingFrom, uint32 from);
    /// @notice Nobody is registered under this number.
    error UnknownEnterprise(uint64 enterprise);
    /// @notice The caller does not speak for the enterprise.
    error NotTheEnterprise(uint64 enterprise, address caller);
    /// @notice The enterprise has a key, and opens its objections itself.
    error HasKey(uint64 enterprise, address key);
    /// @notice There is no such record.
    error UnknownRecord(uint64 recordId);
    /// @notice The enterprise's objection to this record is not answered yet.
    error AlreadyOpen(uint64 objection);
    /// @notice There is no such objection, or it has its answer.
    error NotOpen(uint64 objection);
    /// @notice The signature was to be used by `deadline`.
    error SignatureExpired(uint64 deadline);
    /// @notice The signature is not one of this answer by `key`.
    error InvalidSignature(address key);
    /// @notice `Open` is no answer.
    error NoAnswer();

    /// @notice Change the time for answers, for objections opened from a day on.
    /// @dev At most one change waits at a time; a change that holds no later than the waiting one replaces it.
    function setAnswerPeriod(uint32 period, uint32 from) external;

    /// @notice Set the account that speaks for an enterprise, or take it away with 0.
    function setEnterpriseKey(uint64 enterprise, address key) external;

    /// @notice Object to a record; the caller is the enterprise's key.
    /// @return objection Its number.
    function open(uint64 enterprise, uint64 recordId, bytes32 grounds) external returns (uint64 objection);

    /// @notice Object to a record for an enterprise that has no key; the caller is a registrar.
    /// @return objection Its number.
    function openFor(uint64 enterprise, uint64 recordId, bytes32 grounds) external returns (uint64 objection);

    /// @notice Answer an objection; the caller is a key of the authority that made the record.
    /// @dev Reverts with an error of `IAuthorities.authorize` for any other. A late answer is taken.
    function answer(uint64 objection, Outcome outcome, bytes32 answer_) external;

    /// @notice Answer an objection with the signature of a key of the authority; anyone may relay it.
    /// @dev Signs EIP-712 data in the domain ("Objections", "1", chain id, this contract):
    ///
    ///   ObjectionAnswer(uint64 objection,uint8 outcome,bytes32 answer,uint64 deadline)
    ///
    /// An objection is answered once, so that there is nothing to replay.
    /// @param deadline Last second at which the signature may be used.
    /// @param key The signer: an account, or a contract that implements ERC-1271.
    function answerSigned(
        uint64 objection,
        Outcome outcome,
        bytes32 answer_,
        uint64 deadline,
        address key,
        bytes calldata signature
    ) external;

    /// @notice The ledger whose records are objected to.
    function ledger() external view returns (ICreditLedger);

    /// @notice How many objections were opened; also the number of the last one.
    function objectionCount() external view returns (uint64);

    /// @notice An objection; all zero when there is none.
    function objectionAt(
        uint64 objection
    ) external view returns (uint64 enterprise, uint64 recordId, uint32 openedOn, uint32 dueOn, Outcome outcome);

    /// @notice Number of an enterprise's open objection to a record; 0 when there is none.
    function openObjection(uint64 enterprise, uint64 recordId) external view returns (uint64 objection);

    /// @notice Whether an objection is open and its last day for an answer has passed.
    function overdue(uint64 objection) external view returns (bool);

    /// @notice Days within which an objection that is opened today is to be answered.
    function answerPeriod() external view returns (uint32);

    /// @notice The account that speaks for an enterprise; 0 when it has none.
    function enterpriseKey(uint64 enterprise) external view returns (address);
}
