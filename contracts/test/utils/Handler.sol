// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AssessingActs} from "./AssessingActs.sol";
import {Cast, World} from "./Cast.sol";
import {GoverningActs} from "./GoverningActs.sol";
import {ObjectingActs} from "./ObjectingActs.sol";

/// @notice Everything that can be done to the contracts, by anyone and in any order. Before each act a model decides whether it
/// must succeed, and with which error it must fail otherwise.
contract Handler is GoverningActs, ObjectingActs, AssessingActs {
    constructor(World memory world_) Cast(world_) {}
}
