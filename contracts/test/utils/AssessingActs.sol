// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IScoreBook} from "../../src/interfaces/IScoreBook.sol";
import {Cast} from "./Cast.sol";

/// @notice Cards and assessments, good and bad.
abstract contract AssessingActs is Cast {
    struct Assessment {
        bytes32 card;
        uint32 asOf;
        bytes32 root;
        uint64 count;
    }

    Assessment[] private assessments;
    mapping(bytes32 card => uint32) public effectiveOn;
    mapping(bytes32 card => uint32) private supersededOn;
    bytes32 private latest;

    function allAssessments() external view returns (Assessment[] memory) {
        return assessments;
    }

    function registerCard(uint256 seed) external {
        (bytes32 card, address sender) = (cardBy(seed), caller(world.governor, seed));
        uint32 from = (seed >> 8) % 6 == 0 ? 0 : today() - 1 + uint32((seed >> 16) % 3);
        uint32 assessed = assessments.length == 0 ? 0 : assessments[assessments.length - 1].asOf;
        bytes memory refusal;
        if (sender != world.governor) refusal = unauthorized(sender);
        else if (effectiveOn[card] != 0) {
            refusal = abi.encodeWithSelector(IScoreBook.CardAlreadyRegistered.selector, card);
        } else if (from <= assessed) {
            refusal = abi.encodeWithSelector(IScoreBook.InvalidEffectiveDate.selector, from, assessed);
        } else if (from <= effectiveOn[latest]) {
            refusal = abi.encodeWithSelector(IScoreBook.CardOutOfOrder.selector, from, effectiveOn[latest]);
        }
        bool good = expect("registerCard", refusal);
        vm.prank(sender);
        world.book.registerCard(card, from);
        if (good) (effectiveOn[card], supersededOn[latest], latest) = (from, from, card);
    }

    function publish(uint256 seed) external {
        (bytes32 card, address sender) = (cardBy(seed), caller(world.assessor, seed));
        uint64 next = uint64(assessments.length) + 1;
        uint64 epoch = (seed >> 8) % 8 == 0 ? uint64(seed >> 16) % (next + 2) : next;
        uint32 asOf = today() + 1 - uint32((seed >> 80) % 4);
        uint64 atBlock = uint64(block.number) + uint64((seed >> 90) % 8 == 0 ? 1 : 0);
        bytes memory refusal = sender == world.assessor ? faultOf(epoch, card, asOf, atBlock) : unauthorized(sender);
        bool good = expect("publish", refusal);
        send(sender, epoch, Assessment(card, asOf, bytes32(seed), uint64(seed)), atBlock);
        if (good) assessments.push(Assessment(card, asOf, bytes32(seed), uint64(seed)));
    }

    /// @dev A function of its own, for the sake of the stack.
    function send(address sender, uint64 epoch, Assessment memory it, uint64 atBlock) private {
        vm.prank(sender);
        world.book.publish(epoch, it.card, it.asOf, it.root, it.count, atBlock, it.count, ~it.root);
    }

    function faultOf(uint64 epoch, bytes32 card, uint32 asOf, uint64 atBlock) private view returns (bytes memory) {
        uint64 next = uint64(assessments.length) + 1;
        uint32 previous = next == 1 ? 0 : assessments[next - 2].asOf;
        if (epoch != next) return abi.encodeWithSelector(IScoreBook.WrongEpoch.selector, next);
        uint32 from = effectiveOn[card];
        if (from == 0) return abi.encodeWithSelector(IScoreBook.UnknownCard.selector, card);
        if (asOf < from) return abi.encodeWithSelector(IScoreBook.CardNotEffective.selector, card, from, asOf);
        uint32 ends = supersededOn[card];
        if (ends != 0 && asOf >= ends)
            return abi.encodeWithSelector(IScoreBook.CardSuperseded.selector, card, ends, asOf);
        if (asOf < previous) return abi.encodeWithSelector(IScoreBook.AsOfBeforePrevious.selector, asOf, previous);
        if (asOf > today()) return abi.encodeWithSelector(IScoreBook.AsOfInFuture.selector, asOf, today());
        if (atBlock > block.number) {
            return abi.encodeWithSelector(IScoreBook.BlockInFuture.selector, atBlock, uint64(block.number));
        }
        return "";
    }

    function cardBy(uint256 seed) private pure returns (bytes32) {
        return bytes32(1 + (seed % 6));
    }
}
