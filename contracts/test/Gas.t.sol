// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {LedgerTest} from "./utils/LedgerTest.sol";

/// @notice Gas of whole transactions per record, kept as a table in `snapshots/GasPerRecord.json`.
/// @dev Heads exist, as registration writes them, and the authority has written before. Each call is a transaction of its own, with
/// its calldata (and the floor that EIP-7623 sets on it) and cold storage.
/// forge-config: default.isolate = true
contract GasTest is LedgerTest {
    function setUp() public override {
        super.setUp();
        register(500);
        submit(batch(7, 1), false);
    }

    function test_gas_one_record() external {
        measure("1", 1, 1);
    }

    function test_gas_ten_records() external {
        measure("10 of 10 enterprises", 10, 1);
    }

    function test_gas_hundred_records() external {
        (uint256 direct, uint256 signed) = measure("100 of 10 enterprises", 10, 10);
        vm.assertLe(direct, 3300, "100 of 10, direct");
        vm.assertLe(signed, direct + 150, "100 of 10, signed adds");
        vm.assertLe(signed, 3300, "100 of 10, signed");
        (direct, signed) = measure("100 of 100 enterprises", 100, 1);
        vm.assertLe(direct, 12_000, "100 of 100, direct");
        vm.assertLe(signed, direct + 150, "100 of 100, signed adds");
        vm.assertLe(signed, 12_000, "100 of 100, signed");
    }

    function test_gas_five_hundred_records() external {
        measure("500 of 10 enterprises", 10, 50);
        measure("500 of 500 enterprises", 500, 1);
    }

    function measure(
        string memory name,
        uint256 enterprises,
        uint256 each
    ) private returns (uint256 direct, uint256 signed) {
        bytes memory records = batch(enterprises, each);
        direct = submit(records, false) / (enterprises * each);
        signed = submit(records, true) / (enterprises * each);
        vm.snapshotValue("GasPerRecord", string.concat(name, ", direct"), direct);
        vm.snapshotValue("GasPerRecord", string.concat(name, ", signed"), signed);
    }

    function submit(bytes memory records, bool signed) private returns (uint256) {
        uint48 first = ledger.recordCount(customs) + 1;
        if (signed) {
            bytes memory signature = sign(customsSecret, customs, first, NEVER, records);
            vm.prank(relayer);
            ledger.recordSigned(customs, first, NEVER, customsKey, records, signature);
        } else {
            vm.prank(customsKey);
            ledger.record(customs, first, records);
        }
        return vm.lastCallGas().gasTotalUsed;
    }
}
