// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

bytes32 constant DOMAIN_TYPEHASH = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
);
bytes32 constant BATCH_TYPEHASH = keccak256(
    "RecordBatch(string authority,uint48 firstNumber,uint32 count,uint16[] types,uint64 epoch,uint64 deadline,bytes32 recordsHash)"
);
bytes32 constant ANSWER_TYPEHASH = keccak256(
    "ObjectionAnswer(uint64 objection,uint64 enterprise,string authority,uint48 record,uint8 outcome,bytes32 answer,uint64 epoch,uint64 deadline)"
);

/// @notice What an authority signs for a batch, from the text of EIP-712 and not from the library that the contract uses.
function batchDigest(
    address ledger,
    string memory authority,
    uint48 firstNumber,
    uint64 epoch,
    uint64 deadline,
    bytes memory records
) view returns (bytes32) {
    return batchDigest(ledger, authority, firstNumber, typesOf(records), epoch, deadline, records);
}

/// @dev With other types than those of the records.
function batchDigest(
    address ledger,
    string memory authority,
    uint48 firstNumber,
    uint16[] memory types,
    uint64 epoch,
    uint64 deadline,
    bytes memory records
) view returns (bytes32) {
    bytes32 domain = keccak256(
        abi.encode(DOMAIN_TYPEHASH, keccak256("CreditLedger"), keccak256("1"), block.chainid, ledger)
    );
    bytes32 content = keccak256(
        abi.encode(
            BATCH_TYPEHASH,
            keccak256(bytes(authority)),
            firstNumber,
            records.length / 64,
            keccak256(abi.encodePacked(types)),
            epoch,
            deadline,
            keccak256(records)
        )
    );
    return keccak256(abi.encodePacked(hex"1901", domain, content));
}

/// @notice The types that occur in a batch, each once, ascending.
function typesOf(bytes memory records) pure returns (uint16[] memory types) {
    types = new uint16[](records.length / 64);
    uint256 count;
    for (uint256 i; i < records.length / 64; ++i) {
        uint16 kind = (uint16(uint8(records[64 * i + 8])) << 8) | uint8(records[64 * i + 9]);
        uint256 place = count;
        while (place != 0 && types[place - 1] >= kind) {
            --place;
        }
        if (place < count && types[place] == kind) continue;
        for (uint256 last = count++; last > place; --last) {
            types[last] = types[last - 1];
        }
        types[place] = kind;
    }
    assembly ("memory-safe") {
        mstore(types, count)
    }
}

/// @notice An answer as it is signed. `code` is the authority's, as a string.
struct Answer {
    uint64 objection;
    uint64 enterprise;
    bytes code;
    uint48 record;
    uint8 outcome;
    bytes32 answer;
    uint64 epoch;
    uint64 deadline;
}

/// @notice What an authority signs for the answer to an objection.
function answerDigest(address objections, Answer memory it) view returns (bytes32) {
    bytes32 domain = keccak256(
        abi.encode(DOMAIN_TYPEHASH, keccak256("Objections"), keccak256("1"), block.chainid, objections)
    );
    bytes32 content = keccak256(
        abi.encode(
            ANSWER_TYPEHASH,
            it.objection,
            it.enterprise,
            keccak256(it.code),
            it.record,
            it.outcome,
            it.answer,
            it.epoch,
            it.deadline
        )
    );
    return keccak256(abi.encodePacked(hex"1901", domain, content));
}
