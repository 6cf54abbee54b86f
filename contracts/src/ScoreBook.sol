// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IScoreBook} from "./interfaces/IScoreBook.sol";
import {CivilDay} from "./libraries/CivilDay.sol";
import {MerkleLog} from "./libraries/MerkleLog.sol";

/// @title ScoreBook
/// @notice Implementation of `IScoreBook`; cards and assessments are restricted by the access manager.
contract ScoreBook is IScoreBook, AccessManaged {
    struct Assessment {
        bytes32 card;
        bytes32 root;
        bytes32 headsRoot;
        uint64 count;
        uint64 atBlock;
        uint64 logSize;
        uint32 asOf;
    }

    struct Card {
        uint32 effectiveOn;
        uint32 supersededOn; // 0: by none
    }

    mapping(bytes32 card => Card) private _cards;

    /// @inheritdoc IScoreBook
    bytes32 public latestCard;

    mapping(uint64 epoch => Assessment) private _assessments;

    /// @inheritdoc IScoreBook
    uint64 public epochCount;

    constructor(address accessManager) AccessManaged(accessManager) {}

    /// @inheritdoc IScoreBook
    function registerCard(bytes32 card, uint32 effectiveOn) external restricted {
        if (_cards[card].effectiveOn != 0) revert CardAlreadyRegistered(card);
        uint32 assessed = _assessments[epochCount].asOf;
        if (effectiveOn <= assessed) revert InvalidEffectiveDate(effectiveOn, assessed);
        Card storage before = _cards[latestCard];
        if (effectiveOn <= before.effectiveOn) revert CardOutOfOrder(effectiveOn, before.effectiveOn);

        before.supersededOn = effectiveOn;
        _cards[card].effectiveOn = effectiveOn;
        latestCard = card;
        emit CardRegistered(card, effectiveOn);
    }

    /// @inheritdoc IScoreBook
    function publish(
        uint64 epoch,
        bytes32 card,
        uint32 asOf,
        bytes32 root,
        uint64 count,
        uint64 atBlock,
        uint64 logSize,
        bytes32 headsRoot
    ) external restricted {
        if (epoch != epochCount + 1) revert WrongEpoch(epochCount + 1);
        _checkCard(card, asOf);
        uint32 previous = _assessments[epoch - 1].asOf;
        if (asOf < previous) revert AsOfBeforePrevious(asOf, previous);
        uint32 today = CivilDay.today();
        if (asOf > today) revert AsOfInFuture(asOf, today);
        if (atBlock > block.number) revert BlockInFuture(atBlock, uint64(block.number));

        epochCount = epoch;
        _assessments[epoch] = Assessment({
            card: card,
            root: root,
            headsRoot: headsRoot,
            count: count,
            atBlock: atBlock,
            logSize: logSize,
            asOf: asOf
        });
        emit AssessmentPublished(epoch, card, asOf, root, count, atBlock, logSize, headsRoot);
    }

    /// @inheritdoc IScoreBook
    function verifyScore(
        uint64 epoch,
        uint64 enterprise,
        uint32 milliScore,
        uint8 grade,
        uint64 index,
        bytes32[] calldata proof
    ) external view returns (bool) {
        Assessment storage it = _assessments[epoch];
        bytes32 leaf = MerkleLog.leafHash(abi.encodePacked(enterprise, milliScore, grade));
        return MerkleLog.verifyInclusion(leaf, index, it.count, proof, it.root);
    }

    /// @inheritdoc IScoreBook
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
        )
    {
        Assessment storage it = _assessments[epoch];
        return (it.card, it.asOf, it.root, it.count, it.atBlock, it.logSize, it.headsRoot);
    }

    /// @inheritdoc IScoreBook
    function cardEffectiveOn(bytes32 card) external view returns (uint32) {
        return _cards[card].effectiveOn;
    }

    /// @inheritdoc IScoreBook
    function cardSupersededOn(bytes32 card) external view returns (uint32) {
        return _cards[card].supersededOn;
    }

    /// @dev A card holds from its first day until before that of the next one.
    function _checkCard(bytes32 card, uint32 asOf) private view {
        Card storage it = _cards[card];
        if (it.effectiveOn == 0) revert UnknownCard(card);
        if (asOf < it.effectiveOn) revert CardNotEffective(card, it.effectiveOn, asOf);
        if (it.supersededOn != 0 && asOf >= it.supersededOn) revert CardSuperseded(card, it.supersededOn, asOf);
    }
}
