// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {Record} from "./LedgerTest.sol";
import {RandomRecords} from "./RandomRecords.sol";
import {RecordRules} from "./RecordRules.sol";

/// @notice What a single record may not be, whichever way its batch comes in.
abstract contract RecordFaults is RandomRecords {
    function setUp() public virtual override {
        super.setUp();
        register(FIRMS);
    }

    /// @dev Hand in a batch. Makes no other call to a contract, so that an expected revert is its own.
    function submit(uint16 authority, uint48 firstNumber, bytes memory records) internal virtual;

    function test_today_is_that_of_china() external {
        Record memory it = event_(1);
        it.decidedOn = TODAY + 1;
        bytes memory refusal = abi.encodeWithSelector(ICreditLedger.DecidedInFuture.selector, 0, TODAY + 1, TODAY);
        vm.warp(uint256(TODAY + 1) * 1 days - 8 hours - 1);
        refuse(pack(it), refusal, 1);
        vm.warp(uint256(TODAY + 1) * 1 days - 8 hours);
        submit(customs, 1, pack(it));
    }

    /// @dev Not even in the mandate that has every bit set.
    function test_types_that_no_mandate_has() external {
        uint16[4] memory kinds = [uint16(0), 256, 257, type(uint16).max];
        for (uint256 i; i < 4; ++i) {
            Record memory it = event_(1);
            it.kind = kinds[i];
            refuse(pack(it), abi.encodeWithSelector(ICreditLedger.TypeOutsideMandate.selector, 0, kinds[i]), 1);
        }
    }

    function test_severities() external {
        for (uint16 severity; severity < 256; ++severity) {
            Record memory it = event_(1);
            it.severity = uint8(severity);
            if (severity <= 3) submit(customs, uint48(severity) + 1, pack(it));
            else refuse(pack(it), abi.encodeWithSelector(ICreditLedger.InvalidSeverity.selector, 0, it.severity), 5);
        }
    }

    function test_each_spare_bit() external {
        for (uint256 bit; bit < 40; ++bit) {
            Record memory it = event_(1);
            it.spare = uint40(1 << bit);
            refuse(
                bytes.concat(pack(event_(1)), pack(it)),
                abi.encodeWithSelector(ICreditLedger.SpareBitsSet.selector, 1),
                1
            );
        }
    }

    function test_decided_on_the_day_or_later() external {
        Record memory it = event_(1);
        it.conductOn = it.decidedOn;
        submit(customs, 1, pack(it));
        it.conductOn = it.decidedOn + 1;
        bytes memory refusal = abi.encodeWithSelector(ICreditLedger.DecidedBeforeConduct.selector, 0, TODAY + 1, TODAY);
        refuse(pack(it), refusal, 2);
    }

    /// @dev A lifecycle record may refer to any earlier record of its authority, but to none of its own batch.
    function test_lifecycle_references() external {
        submit(market, 1, batch(3, 1));
        submit(customs, 1, batch(3, 1));
        refuseReference(240, recordId(customs, 0));
        refuseReference(240, recordId(customs, 4)); // the record itself
        refuseReference(240, recordId(customs, 5));
        refuseReference(240, recordId(market, 1));
        refuseReference(240, recordId(0, 1));
        refuseReference(240, 1);
        Record memory it = event_(1);
        it.kind = 247;
        it.ref = recordId(customs, 1);
        submit(customs, 4, pack(it));
        it.ref = recordId(customs, 4);
        submit(customs, 5, pack(it));
    }

    function test_a_lifecycle_record_of_its_own_batch_is_too_late() external {
        Record memory it = event_(1);
        it.kind = 240;
        it.ref = recordId(customs, 1);
        bytes memory refusal = abi.encodeWithSelector(ICreditLedger.InvalidReference.selector, 1, it.ref);
        refuse(bytes.concat(pack(event_(1)), pack(it)), refusal, 1);
    }

    function test_link_references() external {
        submit(customs, 1, batch(3, 1));
        refuseReference(248, 0);
        refuseReference(248, 1); // itself
        refuseReference(255, FIRMS + 1);
        refuseReference(249, recordId(customs, 1));
        Record memory it = event_(1);
        it.kind = 248;
        it.ref = FIRMS;
        submit(customs, 4, pack(it));
    }

    function test_events_refer_to_nothing() external {
        submit(customs, 1, batch(3, 1));
        refuseReference(239, recordId(customs, 1));
        refuseReference(1, 2);
    }

    /// @dev Any record at all, most of them nearly good: it is refused with the first fault that the slow rule finds.
    function testFuzz_any_record(uint256 seed) external {
        submit(market, 1, batch(3, 1));
        Record memory it = nearlyGood(seed);
        bytes memory refusal = RecordRules.faultOf(0, it, authorities.mandateNow(market), market, 4, TODAY, FIRMS);
        if (refusal.length != 0) vm.expectRevert(refusal);
        submit(market, 4, pack(it));
        vm.assertEq(ledger.recordCount(market), refusal.length == 0 ? 4 : 3);
    }

    function refuse(bytes memory records, bytes memory refusal, uint48 firstNumber) internal {
        vm.expectRevert(refusal);
        submit(customs, firstNumber, records);
    }

    function refuseReference(uint16 kind, uint64 ref) private {
        Record memory it = event_(1);
        (it.kind, it.ref) = (kind, ref);
        refuse(pack(it), abi.encodeWithSelector(ICreditLedger.InvalidReference.selector, 0, ref), 4);
    }
}
