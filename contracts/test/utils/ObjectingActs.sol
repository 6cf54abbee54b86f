// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IObjections} from "../../src/interfaces/IObjections.sol";
import {RecordingActs} from "./RecordingActs.sol";
import {Answer, answerDigest} from "./TypedData.sol";

/// @notice Objections by enterprises and registrars, and answers by whoever, on both paths.
abstract contract ObjectingActs is RecordingActs {
    struct Objection {
        uint64 enterprise;
        uint64 recordId;
        uint32 openedOn;
        IObjections.Outcome outcome;
    }

    Objection[] private objections;
    mapping(uint64 enterprise => address) public enterpriseKey;
    /// @dev Number of the open one; 0 for none.
    mapping(uint64 enterprise => mapping(uint64 recordId => uint64)) public openOf;

    function allObjections() external view returns (Objection[] memory) {
        return objections;
    }

    function setEnterpriseKey(uint256 seed) external {
        (uint64 enterprise, address sender) = (enterpriseBy(seed), caller(world.registrar, seed));
        address key = (seed >> 8) % 2 == 0 ? address(0) : writer(seed >> 16);
        bytes memory refusal = sender == world.registrar ? unknown(enterprise) : unauthorized(sender);
        bool good = expect("setEnterpriseKey", refusal);
        vm.prank(sender);
        world.objections.setEnterpriseKey(enterprise, key);
        if (good) enterpriseKey[enterprise] = key;
    }

    function open(uint256 seed, uint256 which) external {
        (uint64 enterprise, uint64 recordId) = (enterpriseBy(seed), recordBy(which));
        address key = enterpriseKey[enterprise];
        address sender = (seed >> 128) % 4 == 0 || key == address(0) ? writer(seed >> 136) : key;
        bytes memory refusal =
            sender == key
                ? unopened(enterprise, recordId)
                : abi.encodeWithSelector(IObjections.NotTheEnterprise.selector, enterprise, sender);
        bool good = expect("open", refusal);
        vm.prank(sender);
        world.objections.open(enterprise, recordId, bytes32(seed));
        if (good) noteOpened(enterprise, recordId);
    }

    function openFor(uint256 seed, uint256 which) external {
        (uint64 enterprise, uint64 recordId) = (enterpriseBy(seed), recordBy(which));
        (address sender, address key) = (caller(world.registrar, seed), enterpriseKey[enterprise]);
        bytes memory refusal = sender == world.registrar ? unknown(enterprise) : unauthorized(sender);
        if (refusal.length == 0) {
            refusal =
                key == address(0)
                    ? unopened(enterprise, recordId)
                    : abi.encodeWithSelector(IObjections.HasKey.selector, enterprise, key);
        }
        bool good = expect("openFor", refusal);
        vm.prank(sender);
        world.objections.openFor(enterprise, recordId, bytes32(seed));
        if (good) noteOpened(enterprise, recordId);
    }

    function answer(uint256 seed, uint256 who) external {
        (uint64 objection, IObjections.Outcome outcome) = (objectionBy(seed), outcomeBy(seed));
        who = mostlyKey(authorityOf(objection), who);
        bool good = expect("answer", unanswered(objection, outcome, writer(who)));
        vm.prank(writer(who));
        world.objections.answer(objection, outcome, bytes32(seed));
        if (good) noteAnswered(objection, outcome);
    }

    function answerSigned(uint256 seed, uint256 who) external {
        (uint64 objection, IObjections.Outcome outcome) = (objectionBy(seed), outcomeBy(seed));
        who = mostlyKey(authorityOf(objection), who);
        uint64 deadline = uint64(block.timestamp) + uint64((seed >> 16) % 100);
        bytes32 digest = digestOf(objection, outcome, bytes32(seed), deadline);
        bool forged = (seed >> 24) % 6 == 0;
        bytes memory signature = signAs(forged ? who + 1 : who, digest);
        bytes memory refusal = unanswered(objection, outcome, writer(who));
        if (refusal.length == 0 && forged) {
            refusal = abi.encodeWithSelector(IObjections.InvalidSignature.selector, writer(who));
        }
        bool good = expect("answerSigned", refusal);
        world.objections.answerSigned(objection, outcome, bytes32(seed), deadline, writer(who), signature);
        if (good) noteAnswered(objection, outcome);
    }

    // ------------------------------------------------------------------ what is to be refused

    function unknown(uint64 enterprise) private view returns (bytes memory) {
        bool known = enterprise != 0 && enterprise <= enterprises;
        return known ? bytes("") : abi.encodeWithSelector(IObjections.UnknownEnterprise.selector, enterprise);
    }

    function unopened(uint64 enterprise, uint64 recordId) private view returns (bytes memory) {
        uint48 number = uint48(recordId);
        if (number == 0 || number > written[uint16(recordId >> 48)]) {
            return abi.encodeWithSelector(IObjections.UnknownRecord.selector, recordId);
        }
        uint64 before = openOf[enterprise][recordId];
        return before == 0 ? bytes("") : abi.encodeWithSelector(IObjections.AlreadyOpen.selector, before);
    }

    function unanswered(
        uint64 objection,
        IObjections.Outcome outcome,
        address key
    ) private view returns (bytes memory) {
        bool none = objection == 0 || objection > objections.length;
        if (none || objections[objection - 1].outcome != IObjections.Outcome.Open) {
            return abi.encodeWithSelector(IObjections.NotOpen.selector, objection);
        }
        if (outcome == IObjections.Outcome.Open) return abi.encodeWithSelector(IObjections.NoAnswer.selector);
        bytes memory refusal = refusalOf(authorityOf(objection), key);
        if (refusal.length == 0 && needsWallet(authorityOf(objection), key) != 0) {
            return abi.encodeWithSelector(IObjections.AnswerNeedsWallet.selector, objection);
        }
        return refusal;
    }

    function digestOf(
        uint64 objection,
        IObjections.Outcome outcome,
        bytes32 text,
        uint64 deadline
    ) private view returns (bytes32) {
        (uint64 enterprise, uint64 id, , , ) = world.objections.objectionAt(objection);
        uint16 authority = uint16(id >> 48);
        bytes memory code = authority == 1 ? bytes("GACC") : bytes("SAMR");
        uint64 epoch = signatureEpoch[authority];
        Answer memory it = Answer(objection, enterprise, code, uint48(id), uint8(outcome), text, epoch, deadline);
        return answerDigest(address(world.objections), it);
    }

    // ------------------------------------------------------------------ the books

    function noteOpened(uint64 enterprise, uint64 recordId) private {
        objections.push(Objection(enterprise, recordId, today(), IObjections.Outcome.Open));
        openOf[enterprise][recordId] = uint64(objections.length);
    }

    function noteAnswered(uint64 objection, IObjections.Outcome outcome) private {
        Objection storage it = objections[objection - 1];
        it.outcome = outcome;
        openOf[it.enterprise][it.recordId] = 0;
    }

    function authorityOf(uint64 objection) private view returns (uint16) {
        bool known = objection != 0 && objection <= objections.length;
        return known ? uint16(objections[objection - 1].recordId >> 48) : 1;
    }

    // ------------------------------------------------------------------ draws

    /// @dev A few, so that things happen to the same one.
    function enterpriseBy(uint256 seed) private view returns (uint64) {
        return uint64(seed % 8 == 0 ? enterprises + 1 : 1 + ((seed >> 3) % 5));
    }

    function recordBy(uint256 seed) private view returns (uint64) {
        uint16 authority = authorityBy(seed);
        uint256 number = seed % 8 == 7 ? written[authority] + 1 : (seed >> 8) % 6;
        return (uint64(authority) << 48) | uint64(number);
    }

    function objectionBy(uint256 seed) private view returns (uint64) {
        uint64 count = uint64(objections.length);
        for (uint64 i; seed % 4 != 0 && i < count; ++i) {
            uint64 objection = 1 + (((uint64(seed >> 8) % count) + i) % count);
            if (objections[objection - 1].outcome == IObjections.Outcome.Open) return objection;
        }
        return uint64(seed >> 8) % (count + 2);
    }

    function outcomeBy(uint256 seed) private pure returns (IObjections.Outcome) {
        return IObjections.Outcome((seed >> 64) % 8 == 0 ? 0 : 1 + ((seed >> 67) % 3));
    }
}
