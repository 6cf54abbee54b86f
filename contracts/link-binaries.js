#!/usr/bin/env node
// Runs after `npm ci` and replaces what npm puts into node_modules/.bin for forge and anvil. Those wrappers drop the exit
// code (forge would pass with failing tests) and stand between a signal and the process it is meant for. These become the
// binary that the platform's optional package brings; and forge, which looks for a relative `solc` from where it is
// called and not from where its configuration lies, is told where the compiler is.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };
const ENVIRONMENT = { anvil: "", forge: 'FOUNDRY_SOLC="${FOUNDRY_SOLC:-$here/../../solc-shim.js}" ' };

function link(tool) {
  const name = `@foundry-rs/${tool}-${process.platform}-${ARCHITECTURES[process.arch]}`;
  const place = path.join(__dirname, "node_modules", ".bin", tool);
  if (!fs.existsSync(path.join(__dirname, "node_modules", name, "bin", tool))) {
    throw new Error(`${name} is not installed: there is no ${tool} for this platform`);
  }
  const script = `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
${ENVIRONMENT[tool]}exec "$here/../${name}/bin/${tool}" "$@"
`;
  fs.rmSync(place, { force: true });
  fs.writeFileSync(place, script, { mode: 0o755 });
}

// Windows has other scripts in .bin, and is not a place where this runs.
if (process.platform !== "win32") Object.keys(ENVIRONMENT).forEach(link);
