// The programs in docs/graphql.md do what they are there for.
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { blocks } from "./examples.js";

const run = promisify(execFile);

// Node 20 has no WebSocket of its own, as browsers and later versions have.
const SOCKET = 'import WebSocket from "ws"; globalThis.WebSocket ??= WebSocket;\n';

for (const [index, { heading, text }] of blocks("js").entries()) {
  test(`${heading} (${index})`, async () => {
    const path = join(import.meta.dirname, `.docs-${process.pid}-${index}.mjs`);
    writeFileSync(path, SOCKET + text);
    try {
      await run(process.execPath, [path], { timeout: 60_000 });
    } finally {
      rmSync(path);
    }
  });
}
