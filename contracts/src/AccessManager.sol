// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Governance is OpenZeppelin's AccessManager as it is: imported here so that it is compiled with the contracts it governs.
// solhint-disable no-unused-import
// forge-lint: disable-next-line(unused-import)
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
