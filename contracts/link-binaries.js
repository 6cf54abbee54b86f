#!/usr/bin/env node
// Runs after `npm ci`. The wrappers that npm puts into node_modules/.bin for forge and anvil drop the exit code (forge
// would pass with failing tests) and stand between a signal and the process it is meant for. Point both names at the
// binaries themselves, which the platform's optional package brings.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

function link(tool) {
  const name = `@foundry-rs/${tool}-${process.platform}-${ARCHITECTURES[process.arch]}`;
  const binary = path.join(__dirname, "node_modules", name, "bin", tool);
  const place = path.join(__dirname, "node_modules", ".bin", tool);
  if (!fs.existsSync(binary)) throw new Error(`${name} is not installed: there is no ${tool} for this platform`);
  fs.rmSync(place, { force: true });
  fs.symlinkSync(path.relative(path.dirname(place), binary), place);
}

// Windows has scripts in .bin, not links, and is not a place where this runs.
if (process.platform !== "win32") ["anvil", "forge"].forEach(link);
