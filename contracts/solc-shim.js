#!/usr/bin/env node
// The npm package solc (WebAssembly, pinned by package-lock.json) behind the command line of a native solc, as far as
// forge and py-solc-x use it:  solc --version  and  solc --standard-json [FILE]  with the path options.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const TAKES_VALUE = new Set(["--base-path", "--include-path", "--allow-paths"]);

function parse(argv) {
  const options = { flags: new Set(), roots: [], file: undefined };
  for (let i = 0; i < argv.length; i++) {
    if (TAKES_VALUE.has(argv[i])) {
      const name = argv[i++];
      if (name !== "--allow-paths") options.roots.push(argv[i]);
    } else if (argv[i].startsWith("--")) {
      options.flags.add(argv[i]);
    } else if (argv[i] !== "-") {
      options.file = argv[i];
    }
  }
  return options;
}

// A pipe may take the answer in pieces, and refuse one while it is full.
function write(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function importer(roots) {
  return (name) => {
    for (const root of [...roots, process.cwd()]) {
      const file = path.resolve(root, name);
      if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return { contents: fs.readFileSync(file, "utf8") };
    }
    return { error: `File not found: ${name}` };
  };
}

const options = parse(process.argv.slice(2));
if (options.flags.has("--version")) {
  // Callers read the platform from the version; this one has to look like a native build.
  const version = solc.version().replace("Emscripten.clang", "Linux.g++");
  write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (options.flags.has("--standard-json")) {
  const input = fs.readFileSync(options.file ?? 0, "utf8");
  write(solc.compile(input, { import: importer(options.roots) }));
} else {
  process.stderr.write("solc-shim: only --version and --standard-json are supported\n");
  process.exit(1);
}
