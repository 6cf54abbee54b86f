// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorities} from "../../src/interfaces/IAuthorities.sol";
import {WEIGHTY} from "./Record.sol";
import {Rights} from "./Rights.sol";

/// @notice What the governor does to authorities, good and bad, and what somebody tries who is not the governor.
abstract contract GoverningActs is Rights {
    function setMandate(uint256 seed) external {
        (uint16 authority, address sender) = (authorityBy(seed), caller(world.governor, seed));
        uint64 present = uint64(block.timestamp);
        uint64 from =
            (seed >> 8) % 8 == 0 ? present - 1 : present + ((uint64((seed >> 16) % 2) * uint64(seed >> 24)) % 2 days);
        uint256[4] memory mandates = [type(uint256).max, (1 << 1) | (1 << 2) | (1 << 240), (1 << 2) | (1 << 248), 6];
        uint256 mandate = mandates[(seed >> 64) % 4];

        uint64 waiting = changes[authority][changes[authority].length - 1].from;
        bytes memory refusal;
        if (sender != world.governor) refusal = unauthorized(sender);
        else if (from < present) {
            refusal = abi.encodeWithSelector(IAuthorities.MandateInPast.selector, from, present);
        } else if (waiting > present && from > waiting) {
            refusal = abi.encodeWithSelector(IAuthorities.MandateWaiting.selector, waiting, from);
        }
        bool good = expect("setMandate", refusal);
        uint256 weighty = (seed >> 72) % 3 == 0 ? seed : mandate & WEIGHTY;
        vm.prank(sender);
        world.authorities.setMandate(authority, mandate, weighty, from);
        if (good) changes[authority].push(Change(mandate, weighty, from));
    }

    /// @notice A new key, a key that begins later, and a revocation.
    function setKey(uint256 seed, uint256 who) external {
        (uint16 authority, address sender) = (authorityBy(seed), caller(world.governor, seed));
        address key = writer(who);
        (uint64 from, uint64 until) = (uint64(block.timestamp), type(uint64).max);
        if ((seed >> 8) % 4 == 0)
            (from, until) = (from + (uint64(seed >> 16) % 1 days), from + (uint64(seed >> 80) % 2 days));
        else if ((seed >> 8) % 8 == 1) until = from;

        bytes memory refusal;
        if (sender != world.governor) refusal = unauthorized(sender);
        else if (until < from) refusal = abi.encodeWithSelector(IAuthorities.InvalidWindow.selector, from, until);
        else if (windows[authority][key].compromisedFrom != 0) refusal = compromised(authority, key);
        bool good = expect("setKey", refusal);
        vm.prank(sender);
        world.authorities.setKey(authority, key, from, until);
        if (good) (windows[authority][key].from, windows[authority][key].until) = (from, until);
    }

    function declareCompromised(uint256 seed, uint256 who) external {
        (uint16 authority, address sender) = (authorityBy(seed), caller(world.governor, seed));
        address key = writer(who);
        uint64 before = windows[authority][key].compromisedFrom;
        uint64 latest = before == 0 ? uint64(block.timestamp) : before - 1;
        uint64 from = latest + 2 - (uint64(seed >> 8) % 5);
        if ((seed >> 64) % 8 == 0) from = 0;

        bytes memory refusal;
        if (sender != world.governor) refusal = unauthorized(sender);
        else if (from == 0 || from > latest) {
            refusal = abi.encodeWithSelector(IAuthorities.InvalidCompromise.selector, from, latest);
        }
        bool good = expect("declareCompromised", refusal);
        vm.prank(sender);
        world.authorities.declareCompromised(authority, key, from);
        if (good) windows[authority][key].compromisedFrom = from;
    }

    /// @notice Mostly they write.
    function setSuspended(uint256 seed) external {
        (uint16 authority, address sender) = (authorityBy(seed), caller(world.governor, seed));
        bool good = expect("setSuspended", sender == world.governor ? bytes("") : unauthorized(sender));
        vm.prank(sender);
        world.authorities.setSuspended(authority, (seed >> 8) % 4 == 0);
        if (good) suspended[authority] = (seed >> 8) % 4 == 0;
    }

    function setFourEyes(uint256 seed) external {
        (uint16 authority, address sender) = (authorityBy(seed), caller(world.governor, seed));
        bool good = expect("setFourEyes", sender == world.governor ? bytes("") : unauthorized(sender));
        vm.prank(sender);
        world.authorities.setFourEyes(authority, (seed >> 8) % 2 == 0);
        if (good) fourEyes[authority] = (seed >> 8) % 2 == 0;
    }

    function pass(uint32 time) external {
        vm.warp(block.timestamp + (time % (time % 4 == 0 ? 15 days : 1 days)));
    }
}
