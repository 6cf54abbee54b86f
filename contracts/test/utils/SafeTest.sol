// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {LedgerTest, Record} from "./LedgerTest.sol";
import {ISafe, ISafeProxyFactory} from "./ISafe.sol";

/// @notice A Safe of three officers, two of whom have to sign, as the only key of the customs authority. Its contracts are
/// those of the npm package, compiled there; what officers sign is put together here from the text of EIP-712.
abstract contract SafeTest is LedgerTest {
    bytes32 private constant DOMAIN_TYPE = keccak256("EIP712Domain(uint256 chainId,address verifyingContract)");
    bytes32 private constant MESSAGE_TYPE = keccak256("SafeMessage(bytes message)");
    bytes32 private constant TRANSACTION_TYPE = keccak256(
        "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)"
    );

    ISafeProxyFactory internal factory;
    address internal singleton;
    address internal handler;
    ISafe internal safe;

    /// @dev By address, which is the order of their signatures.
    uint256[3] internal officers;

    function setUp() public virtual override {
        super.setUp();
        register(3);
        singleton = artifact("Safe.sol/Safe");
        factory = ISafeProxyFactory(artifact("proxies/SafeProxyFactory.sol/SafeProxyFactory"));
        handler = artifact("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler");
        officers = [uint256(keccak256("officer A")), uint256(keccak256("officer B")), uint256(keccak256("officer C"))];
        for (uint256 i; i < 3; ++i) {
            uint256 last = i % 2 == 0 ? 1 : 2;
            if (vm.addr(officers[last - 1]) > vm.addr(officers[last])) {
                (officers[last - 1], officers[last]) = (officers[last], officers[last - 1]);
            }
        }
        safe = ISafe(factory.createProxyWithNonce(singleton, initializer(2), 1));
        govern(address(safe));
    }

    /// @dev One of the package's contracts, deployed.
    function artifact(string memory name) internal returns (address) {
        string memory folder = "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";
        return deploy(string.concat(folder, name, ".json"), "");
    }

    function initializer(uint256 threshold) internal view returns (bytes memory) {
        address[] memory owners = new address[](3);
        for (uint256 i; i < 3; ++i) {
            owners[i] = vm.addr(officers[i]);
        }
        return abi.encodeCall(ISafe.setup, (owners, threshold, address(0), "", handler, address(0), 0, address(0)));
    }

    /// @dev `wallet` becomes the one key of customs, whose serious records take two officers from now on.
    function govern(address wallet) internal {
        vm.prank(governor);
        authorities.setKey(customs, wallet, uint64(START), NEVER);
        vm.prank(governor);
        authorities.setKey(customs, customsKey, uint64(START), uint64(START));
        vm.prank(governor);
        authorities.setFourEyes(customs, true);
    }

    // ------------------------------------------------------------------ what officers sign

    /// @dev As Safe{Wallet} shows it: the hash of our typed data is the message.
    function messageHash(address wallet, bytes32 digest) internal view returns (bytes32) {
        bytes32 content = keccak256(abi.encode(MESSAGE_TYPE, keccak256(abi.encode(digest))));
        return keccak256(abi.encodePacked(hex"1901", domainOf(wallet), content));
    }

    function transactionHash(address to, bytes memory data, ISafe.Operation operation) internal view returns (bytes32) {
        bytes memory content = abi.encode(TRANSACTION_TYPE, to, 0, keccak256(data), operation, 0, 0, 0);
        content = bytes.concat(content, abi.encode(0, 0, safe.nonce()));
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(safe)), keccak256(content)));
    }

    function domainOf(address wallet) private view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, block.chainid, wallet));
    }

    function signHash(uint256 secret, bytes32 hash) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, hash);
        return abi.encodePacked(r, s, v);
    }

    /// @dev By officers of these places, in this order.
    function both(uint256 first, uint256 second, bytes32 hash) internal view returns (bytes memory) {
        return bytes.concat(signHash(officers[first], hash), signHash(officers[second], hash));
    }

    // ------------------------------------------------------------------ what the Safe does

    function execute(address to, bytes memory data, bytes memory signatures) internal {
        execute(to, data, ISafe.Operation.Call, signatures);
    }

    function execute(address to, bytes memory data, ISafe.Operation operation, bytes memory signatures) internal {
        safe.execTransaction(to, 0, data, operation, 0, 0, 0, address(0), address(0), signatures);
    }

    /// @dev Two officers agree to it.
    function agree(address to, bytes memory data) internal {
        execute(to, data, both(0, 1, transactionHash(to, data, ISafe.Operation.Call)));
    }

    // ------------------------------------------------------------------ records

    function serious(uint64 enterprise) internal pure returns (bytes memory) {
        Record memory it = event_(enterprise);
        it.severity = 3;
        return pack(it);
    }

    function revocation(uint48 number) internal pure returns (bytes memory) {
        Record memory it = event_(1);
        (it.kind, it.ref) = (241, recordId(1, number));
        return pack(it);
    }
}
