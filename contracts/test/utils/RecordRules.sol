// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {Record} from "./Record.sol";

/// @notice The rules of a single record, one after the other as the interface lists them. The contract takes a short cut.
library RecordRules {
    /// @return What refuses the record as number `index` of a batch that begins with `first`; empty when nothing does.
    function faultOf(
        uint256 index,
        Record memory it,
        uint256 mandate,
        uint16 authority,
        uint48 first,
        uint32 today,
        uint64 firms
    ) internal pure returns (bytes memory) {
        if (it.spare != 0) return abi.encodeWithSelector(ICreditLedger.SpareBitsSet.selector, index);
        if (it.severity > 3) return abi.encodeWithSelector(ICreditLedger.InvalidSeverity.selector, index, it.severity);
        if (it.kind == 0 || it.kind > 255 || mandate & (1 << it.kind) == 0) {
            return abi.encodeWithSelector(ICreditLedger.TypeOutsideMandate.selector, index, it.kind);
        }
        if (it.conductOn > it.decidedOn) {
            return
                abi.encodeWithSelector(ICreditLedger.DecidedBeforeConduct.selector, index, it.conductOn, it.decidedOn);
        }
        if (it.decidedOn > today) {
            return abi.encodeWithSelector(ICreditLedger.DecidedInFuture.selector, index, it.decidedOn, today);
        }
        bool good = it.ref == 0;
        if (it.kind >= 240) {
            uint48 number = uint48(it.ref);
            good = uint16(it.ref >> 48) == authority && 1 <= number && number < first;
        }
        if (it.kind >= 248) good = 1 <= it.ref && it.ref <= firms && it.ref != it.enterprise;
        return good ? bytes("") : abi.encodeWithSelector(ICreditLedger.InvalidReference.selector, index, it.ref);
    }
}
