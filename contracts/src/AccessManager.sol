// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Governance is OpenZeppelin's AccessManager, deployed as it is; importing it here gives it an artifact.
// forge-lint: disable-next-line(unused-import)
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
