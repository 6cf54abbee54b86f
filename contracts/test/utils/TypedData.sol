// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

bytes32 constant DOMAIN_TYPEHASH =
    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
bytes32 constant BATCH_TYPEHASH = keccak256(
    "RecordBatch(uint16 authority,uint48 firstNumber,uint32 count,uint64 epoch,uint64 deadline,bytes32 recordsHash)"
);

/// @notice What an authority signs for a batch, from the text of EIP-712 and not from the library that the contract uses.
function batchDigest(
    address ledger,
    uint16 authority,
    uint48 firstNumber,
    uint64 epoch,
    uint64 deadline,
    bytes memory records
) view returns (bytes32) {
    bytes32 domain = keccak256(
        abi.encode(DOMAIN_TYPEHASH, keccak256("CreditLedger"), keccak256("1"), block.chainid, ledger)
    );
    bytes32 content = keccak256(
        abi.encode(BATCH_TYPEHASH, authority, firstNumber, records.length / 64, epoch, deadline, keccak256(records))
    );
    return keccak256(abi.encodePacked(hex"1901", domain, content));
}
