// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IScoreBook
/// @notice Anchors scores that are computed off chain: which scorecards exist, and the root of each assessment.
/// @dev A score is a function of the records, a card and a day, so anyone can compute it again; the anchor says which
/// score was given out. An assessment's root is that of the RFC 6962 tree over one leaf per enterprise, sorted by number:
///
///   leaf data = enterprise u64 | milliScore u32 | grade u8     (13 bytes, big endian; grade 1=A 2=B 3=M 4=C 5=D)
///
/// Days are civil days since 1970-01-01 in China Standard Time (UTC+8).
interface IScoreBook {
    /// @notice A scorecard may be used for days from `effectiveOn` on.
    /// @param card Hash of the card in its canonical form.
    /// @param effectiveOn The day.
    event CardRegistered(bytes32 indexed card, uint32 effectiveOn);

    /// @notice An assessment was published.
    /// @param epoch Its number: one more than that of the assessment before it; the first is 1.
    /// @param card Hash of the scorecard it was made with.
    /// @param asOf The day at whose end the records were read.
    /// @param root Root of the tree over its scores.
    /// @param count How many enterprises it scores.
    /// @param atBlock At the end of which block the records were read.
    /// @param logSize How many leaves the ledger's log had then.
    /// @param headsRoot Root of the tree over the heads of all enterprises then. With it and the log's size, whoever replays
    /// the chain knows which records the scores are made from. Nothing here checks either: a replay does.
    event AssessmentPublished(
        uint64 indexed epoch,
        bytes32 indexed card,
        uint32 asOf,
        bytes32 root,
        uint64 count,
        uint64 atBlock,
        uint64 logSize,
        bytes32 headsRoot
    );

    /// @notice A card is registered once.
    error CardAlreadyRegistered(bytes32 card);
    /// @notice A card takes effect after every day that was assessed, so that no score of such a day is made otherwise later:
    /// `assessed` is the last of these days, 0 before the first. Day 0 stands for "not registered".
    error InvalidEffectiveDate(uint32 effectiveOn, uint32 assessed);
    /// @notice Cards are registered in the order of their days: the last one holds from `last` on.
    error CardOutOfOrder(uint32 effectiveOn, uint32 last);
    /// @notice The next assessment is number `expected`. A caller who repeats a publication is told so here.
    error WrongEpoch(uint64 expected);
    /// @notice No card with this hash is registered.
    error UnknownCard(bytes32 card);
    /// @notice The card holds only from a day after `asOf`.
    error CardNotEffective(bytes32 card, uint32 effectiveOn, uint32 asOf);
    /// @notice Another card holds from `supersededOn` on.
    error CardSuperseded(bytes32 card, uint32 supersededOn, uint32 asOf);
    /// @notice A block that is not made yet has no records to read.
    error BlockInFuture(uint64 atBlock, uint64 present);
    /// @notice Assessments do not go back in time.
    error AsOfBeforePrevious(uint32 asOf, uint32 previous);
    /// @notice A day that has not come cannot be assessed.
    error AsOfInFuture(uint32 asOf, uint32 today);

    /// @notice Register a scorecard by its hash.
    /// @param card Hash of the card in its canonical form.
    /// @param effectiveOn First day for which it may be used; not 0, after the last day assessed, and after the first day of
    /// the card registered before, which holds until then.
    function registerCard(bytes32 card, uint32 effectiveOn) external;

    /// @notice Publish an assessment. See `AssessmentPublished`.
    /// @dev Naming the number makes the call safe to repeat: the second one reverts with `WrongEpoch`.
    /// @param epoch `epochCount() + 1`.
    /// @param card Hash of a registered card that holds on `asOf`.
    /// @param asOf The day at whose end the records were read; not before that of the last assessment, not after today.
    /// @param root Root of the tree over its scores.
    /// @param count How many enterprises it scores: the size of that tree.
    /// @param atBlock At the end of which block the records were read; not a block to come.
    /// @param logSize How many leaves the ledger's log had then.
    /// @param headsRoot Root of the tree over all heads then.
    function publish(
        uint64 epoch,
        bytes32 card,
        uint32 asOf,
        bytes32 root,
        uint64 count,
        uint64 atBlock,
        uint64 logSize,
        bytes32 headsRoot
    ) external;

    /// @notice Whether an enterprise was given this score in an assessment.
    /// @param epoch Which assessment.
    /// @param enterprise Whose score.
    /// @param milliScore The score in thousandths of a point.
    /// @param grade 1 to 5, see above.
    /// @param index Index of its leaf.
    /// @param proof RFC 6962 inclusion proof: the siblings from the leaf up.
    /// @return False also when there is no such assessment.
    function verifyScore(
        uint64 epoch,
        uint64 enterprise,
        uint32 milliScore,
        uint8 grade,
        uint64 index,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice An assessment as it was published; all zero when there is none.
    /// @param epoch Its number.
    /// @return card Hash of the scorecard it was made with.
    /// @return asOf The day at whose end the records were read.
    /// @return root Root of the tree over its scores.
    /// @return count How many enterprises it scores.
    /// @return atBlock At the end of which block the records were read.
    /// @return logSize How many leaves the ledger's log had then.
    /// @return headsRoot Root of the tree over all heads then.
    function assessment(
        uint64 epoch
    )
        external
        view
        returns (
            bytes32 card,
            uint32 asOf,
            bytes32 root,
            uint64 count,
            uint64 atBlock,
            uint64 logSize,
            bytes32 headsRoot
        );

    /// @notice How many assessments were published.
    /// @return Also the number of the last one.
    function epochCount() external view returns (uint64);

    /// @notice From when on a card may be used.
    /// @param card Hash of the card in its canonical form.
    /// @return The first day; 0 when the card is not registered.
    function cardEffectiveOn(bytes32 card) external view returns (uint32);

    /// @notice Until before which day a card may be used.
    /// @param card Hash of the card in its canonical form.
    /// @return The first day of the card after it; 0 when there is none.
    function cardSupersededOn(bytes32 card) external view returns (uint32);

    /// @notice The card registered last.
    /// @return Its hash; zero when there is none.
    function latestCard() external view returns (bytes32);
}
