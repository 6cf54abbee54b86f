// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {LedgerTest, Record} from "./utils/LedgerTest.sol";

/// @notice The largest batch that a transaction may carry (EIP-7825), on the signed path, kept in
/// `snapshots/LargestBatch.json`, which the writer's own bounds are held against.
/// @dev Gas is that of a whole transaction, with calldata and the floor that EIP-7623 sets on it, and with cold storage. The
/// batches have records of every type: those that are no events take the longer way, and each type is hashed.
/// forge-config: default.isolate = true
contract LargestBatchTest is LedgerTest {
    uint256 private constant MOST_GAS = 16_777_216;
    uint256 private constant MOST_RECORDS = 1000;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 5; ++i) {
            register(200);
        }
        vm.prank(customsKey);
        ledger.record(customs, 1, batch(7, 1));
    }

    function test_of_distinct_enterprises() external {
        find("distinct enterprises", 1);
    }

    function test_of_ten_enterprises() external {
        find("ten enterprises", 100);
    }

    function test_of_one_enterprise() external {
        find("one enterprise", 1000);
    }

    /// @dev Where the types weigh most beside the records.
    function test_of_one_record_of_each_type() external {
        vm.snapshotValue("LargestBatch", "one of each type, records", 255);
        vm.snapshotValue("LargestBatch", "one of each type, gas", post(costly(255, 255)));
    }

    /// @dev By halves: gas grows with the number of records.
    function find(string memory name, uint256 each) private {
        uint256 fits = 0;
        uint256 gas;
        for ((uint256 low, uint256 high) = (1, MOST_RECORDS + 1); low < high;) {
            uint256 count = high > MOST_RECORDS ? MOST_RECORDS : (low + high) / 2;
            uint256 used = post(costly(count, each));
            if (used <= MOST_GAS) (fits, gas, low) = (count, used, count + 1);
            else high = count;
            if (count == MOST_RECORDS && used <= MOST_GAS) break;
        }
        vm.snapshotValue("LargestBatch", string.concat(name, ", records"), fits);
        vm.snapshotValue("LargestBatch", string.concat(name, ", gas"), gas);
        vm.assertEq(fits, MOST_RECORDS, "the gas of a transaction, and not the contract, limits a batch");
    }

    /// @dev A good batch of every type, the records of each enterprise together.
    function costly(uint256 count, uint256 each) private pure returns (bytes memory records) {
        records = new bytes(count * 64);
        for (uint256 i; i < count; ++i) {
            Record memory it = event_(uint64(1 + i / each));
            it.kind = uint16(1 + (i % 255));
            if (it.kind >= 240)
                it.ref =
                    it.kind < 248
                        ? recordId(1, 1)
                        : it.enterprise == 1
                            ? 2
                            : 1;
            it.commitment = keccak256(abi.encode(i));
            put(records, i, pack(it));
        }
    }

    function post(bytes memory records) private returns (uint256) {
        uint48 first = ledger.recordCount(customs) + 1;
        bytes memory signature = sign(customsSecret, customs, first, NEVER, records);
        vm.prank(relayer);
        ledger.recordSigned(customs, first, NEVER, customsKey, records, signature);
        return vm.lastCallGas().gasTotalUsed;
    }
}
