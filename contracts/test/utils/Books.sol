// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ICreditLedger} from "../../src/interfaces/ICreditLedger.sol";
import {IEnterprises} from "../../src/interfaces/IEnterprises.sol";
import {Cast} from "./Cast.sol";
import {bytesOf, Record} from "./Record.sol";
import {Vm} from "./Vm.sol";

/// @notice Two books of the ledger, kept beside it: the heads, from what was sent; and the leaves and numbers, from what the
/// ledger's logs said.
abstract contract Books is Cast {
    struct TreeHead {
        uint64 size;
        bytes32 root;
    }

    // From what was sent.
    mapping(uint64 enterprise => bytes32) public heads;
    mapping(uint16 authority => uint48) public written;
    uint64 public enterprises;

    // From the logs.
    mapping(uint64 enterprise => bytes32) public replayed;
    mapping(uint16 authority => uint48) public numbered;
    bytes[] private leaves;
    TreeHead[] private treeHeads;

    function allLeaves() external view returns (bytes[] memory) {
        return leaves;
    }

    function allTreeHeads() external view returns (TreeHead[] memory) {
        return treeHeads;
    }

    function noteRegistered(bytes32[] memory commitments) internal {
        for (uint256 i; i < commitments.length; ++i) {
            ++enterprises;
            heads[enterprises] = keccak256(abi.encode(enterprises, commitments[i]));
        }
        readLogs();
    }

    function noteRecorded(uint16 authority, Record[] memory records) internal {
        uint48 first = written[authority] + 1;
        for (uint256 i; i < records.length;) {
            uint64 enterprise = records[i].enterprise;
            uint256 firstId = (uint256(authority) << 48) + first + i;
            bytes memory run;
            for (; i < records.length && records[i].enterprise == enterprise; ++i) {
                run = bytes.concat(run, bytesOf(records[i]));
            }
            heads[enterprise] = keccak256(bytes.concat(heads[enterprise], bytes32(firstId), run));
        }
        written[authority] += uint48(records.length);
        readLogs();
    }

    /// @dev What an auditor does who has nothing but the logs.
    function readLogs() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            Vm.Log memory log = logs[i];
            if (log.topics[0] == IEnterprises.Registered.selector) {
                uint64 enterprise = uint64(uint256(log.topics[1]));
                vm.assertEq(replayed[enterprise], 0, "registered twice");
                replayed[enterprise] = keccak256(abi.encode(enterprise, abi.decode(log.data, (bytes32))));
            } else if (log.topics[0] == ICreditLedger.Recorded.selector) {
                readRun(log);
            } else if (log.topics[0] == ICreditLedger.TreeHead.selector) {
                treeHeads.push(abi.decode(log.data, (TreeHead)));
            }
        }
    }

    function readRun(Vm.Log memory log) private {
        uint64 enterprise = uint64(uint256(log.topics[1]));
        uint16 authority = uint16(uint256(log.topics[2]));
        (uint64 firstId, uint64 leafIndex, bytes32 head, bytes memory run) = abi.decode(
            log.data,
            (uint64, uint64, bytes32, bytes)
        );
        vm.assertEq(firstId, (uint256(authority) << 48) + numbered[authority] + 1, "a record number out of turn");
        vm.assertEq(leafIndex, leaves.length, "a leaf out of turn");
        vm.assertEq(
            head,
            keccak256(bytes.concat(replayed[enterprise], bytes32(uint256(firstId)), run)),
            "head not reproduced"
        );
        numbered[authority] += uint48(run.length / 64);
        replayed[enterprise] = head;
        leaves.push(abi.encodePacked(enterprise, head));
    }
}
