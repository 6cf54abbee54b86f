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
        uint64 count;
        uint32 asOf;
    }

    /// @inheritdoc IScoreBook
    mapping(bytes32 card => uint32) public cardEffectiveOn;

    mapping(uint64 epoch => Assessment) private _assessments;

    /// @inheritdoc IScoreBook
    uint64 public epochCount;

    constructor(address accessManager) AccessManaged(accessManager) {}

    /// @inheritdoc IScoreBook
    function registerCard(bytes32 card, uint32 effectiveOn) external restricted {
        if (cardEffectiveOn[card] != 0) revert CardAlreadyRegistered(card);
        uint32 assessed = _assessments[epochCount].asOf;
        if (effectiveOn <= assessed) revert InvalidEffectiveDate(effectiveOn, assessed);

        cardEffectiveOn[card] = effectiveOn;
        emit CardRegistered(card, effectiveOn);
    }

    /// @inheritdoc IScoreBook
    function publish(uint64 epoch, bytes32 card, uint32 asOf, bytes32 root, uint64 count) external restricted {
        uint64 expected = epochCount + 1;
        if (epoch != expected) revert WrongEpoch(expected);
        uint32 effectiveOn = cardEffectiveOn[card];
        if (effectiveOn == 0) revert UnknownCard(card);
        if (asOf < effectiveOn) revert CardNotEffective(card, effectiveOn, asOf);
        uint32 previous = _assessments[epoch - 1].asOf;
        if (asOf < previous) revert AsOfBeforePrevious(asOf, previous);
        uint32 today = CivilDay.today();
        if (asOf > today) revert AsOfInFuture(asOf, today);

        epochCount = epoch;
        _assessments[epoch] = Assessment({card: card, root: root, count: count, asOf: asOf});
        emit AssessmentPublished(epoch, card, asOf, root, count);
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
    function assessment(uint64 epoch) external view returns (bytes32 card, uint32 asOf, bytes32 root, uint64 count) {
        Assessment storage it = _assessments[epoch];
        return (it.card, it.asOf, it.root, it.count);
    }
}
