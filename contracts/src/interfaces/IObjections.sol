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

    /// @notice The time for answers changes.
    /// @param period Days within which an objection is to be answered.
    /// @param from First day on which the objections opened have this time.
    event AnswerPeriodSet(uint32 period, uint32 from);

    /// @notice Who speaks for an enterprise changes.
    /// @param enterprise Its number.
    /// @param key The account; 0 for none.
    event EnterpriseKeySet(uint64 indexed enterprise, address key);

    /// @notice An objection was opened.
    /// @param objection Its number: one more than that of the objection before it; the first is 1.
    /// @param enterprise Who objects.
    /// @param recordId The record it is about.
    /// @param by The enterprise's key, or the registrar who opened it for an enterprise without one.
    /// @param openedOn The day of this block.
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
    /// @param objection Its number.
    /// @param by The authority's key.
    /// @param outcome Anything but `Open`.
    /// @param answer Salted commitment to the written answer.
    event ObjectionAnswered(uint64 indexed objection, address by, Outcome outcome, bytes32 answer);

    /// @notice A constructor was given an address without code.
    error NotAContract(address account);
    /// @notice A period is 1 to 60 days, and holds from today on at the earliest.
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
    /// @notice The authority asks for four eyes, and an answer then needs a contract wallet as key. See
    /// `IAuthorities.setFourEyes`.
    error AnswerNeedsWallet(uint64 objection);
    /// @notice `Open` is no answer.
    error NoAnswer();

    /// @notice Change the time for answers, for objections opened from a day on.
    /// @dev At most one change waits at a time; a change that holds no later than the waiting one replaces it.
    /// @param period Days, 1 to 60: the statutory 20, and room for another law.
    /// @param from First day on which the objections opened have this time; not before today.
    function setAnswerPeriod(uint32 period, uint32 from) external;

    /// @notice Set the account that speaks for an enterprise, or take it away with 0.
    /// @param enterprise Its number.
    /// @param key The account; it may speak for other enterprises as well.
    function setEnterpriseKey(uint64 enterprise, address key) external;

    /// @notice Object to a record; the caller is the enterprise's key.
    /// @param enterprise Who objects.
    /// @param recordId The record.
    /// @param grounds Salted commitment to the statement.
    /// @return objection Its number.
    function open(uint64 enterprise, uint64 recordId, bytes32 grounds) external returns (uint64 objection);

    /// @notice Object to a record for an enterprise that has no key; the caller is a registrar.
    /// @param enterprise Who objects.
    /// @param recordId The record.
    /// @param grounds Salted commitment to the statement.
    /// @return objection Its number.
    function openFor(uint64 enterprise, uint64 recordId, bytes32 grounds) external returns (uint64 objection);

    /// @notice Answer an objection; the caller is a key of the authority that made the record.
    /// @dev Reverts with an error of `IAuthorities.authorize` for any other. A late answer is taken.
    /// @param objection Its number.
    /// @param outcome Anything but `Open`.
    /// @param answer_ Salted commitment to the written answer.
    function answer(uint64 objection, Outcome outcome, bytes32 answer_) external;

    /// @notice Answer an objection with the signature of a key of the authority; anyone may relay it.
    /// @dev Signs EIP-712 data in the domain ("Objections", "1", chain id, this contract):
    ///
    ///   ObjectionAnswer(uint64 objection,uint64 enterprise,string authority,uint48 record,uint8 outcome,bytes32 answer,
    ///                   uint64 epoch,uint64 deadline)
    ///
    /// so that a wallet shows its officer whose objection to which record it is. An objection is answered once, so that
    /// there is nothing to replay. `epoch` is the authority's `ICreditLedger.signatureEpoch`: invalidating its signatures
    /// takes back those under answers, too.
    /// @param objection Its number.
    /// @param outcome Anything but `Open`.
    /// @param answer_ Salted commitment to the written answer.
    /// @param deadline Last second at which the signature may be used.
    /// @param key The signer: an account, or a contract that implements ERC-1271.
    /// @param signature 65 bytes (r, s, v) of an account, or whatever the contract takes.
    function answerSigned(
        uint64 objection,
        Outcome outcome,
        bytes32 answer_,
        uint64 deadline,
        address key,
        bytes calldata signature
    ) external;

    /// @notice The ledger whose records are objected to.
    /// @return The contract; never another.
    function ledger() external view returns (ICreditLedger);

    /// @notice How many objections were opened.
    /// @return Also the number of the last one.
    function objectionCount() external view returns (uint64);

    /// @notice An objection; all zero when there is none.
    /// @param objection Its number.
    /// @return enterprise Who objects.
    /// @return recordId The record it is about.
    /// @return openedOn The day on which it was opened.
    /// @return dueOn Last day on which the answer is in time.
    /// @return outcome `Open` until it is answered.
    function objectionAt(
        uint64 objection
    ) external view returns (uint64 enterprise, uint64 recordId, uint32 openedOn, uint32 dueOn, Outcome outcome);

    /// @notice Find an enterprise's open objection to a record.
    /// @param enterprise Who objects.
    /// @param recordId The record.
    /// @return objection Its number; 0 when none is open.
    function openObjection(uint64 enterprise, uint64 recordId) external view returns (uint64 objection);

    /// @notice Whether an objection is open and its last day for an answer has passed.
    /// @param objection Its number.
    /// @return False also when there is none, and for one that was answered late.
    function overdue(uint64 objection) external view returns (bool);

    /// @notice The time for answers that an objection opened today has.
    /// @return Days.
    function answerPeriod() external view returns (uint32);

    /// @notice The account that speaks for an enterprise.
    /// @param enterprise Its number.
    /// @return The account; 0 when there is none.
    function enterpriseKey(uint64 enterprise) external view returns (address);
}
