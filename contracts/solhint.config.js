// What solhint checks in src: all that it recommends, less what is wrong for these contracts.
"use strict";

module.exports = {
  extends: "solhint:recommended",
  rules: {
    // Full NatSpec: the interfaces and libraries have it, the implementations inherit it. Who wrote it is in the history.
    "use-natspec": ["warn", { author: { enabled: false } }],

    // Constructors have no visibility since Solidity 0.7.
    "func-visibility": ["warn", { ignoreConstructors: true }],
    // The public immutables are getters of the interfaces and bear their names.
    "immutable-vars-naming": ["warn", { immutablesAsConstants: false }],

    // Indexed is what somebody asks for: authorities, keys, enterprises. A topic costs more than the same word as data.
    "gas-indexed-events": "off",
    // The long strings are EIP-712 types, which the compiler hashes.
    "gas-small-strings": "off",
    // With the optimizer `>=` costs what `>` does; which of them says what is meant decides.
    "gas-strict-inequalities": "off",
    // Slither asks the same, and each place answers it there.
    "no-inline-assembly": "off",
  },
};
