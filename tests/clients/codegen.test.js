// A typed client is generated from the schema, without warnings, and TypeScript takes it.
import { generate } from "@graphql-codegen/cli";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { examples } from "./examples.js";

const here = import.meta.dirname;
process.chdir(here); // Where presets are looked for.

test("generates from the SDL", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "letterbox-codegen-"));
  symlinkSync(join(here, "node_modules"), join(folder, "node_modules"));
  const documents = examples().map((text, index) => {
    const path = join(folder, `example-${index}.graphql`);
    writeFileSync(path, text);
    return path;
  });
  const warned = t.mock.method(console, "warn", () => {});

  await generate(
    {
      schema: resolve(here, "../../graphql_schema/schema.graphql"),
      documents,
      silent: true,
      errorsOnly: true,
      generates: { [`${folder}/client/`]: { preset: "client", config: { useTypeImports: true } } },
    },
    true,
  );

  assert.equal(warned.mock.callCount(), 0);
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "bundler"];
  execFileSync(
    join(here, "node_modules/.bin/tsc"),
    [...options, "--module", "esnext", "--target", "es2022", `${folder}/client/graphql.ts`],
    { cwd: folder, stdio: "inherit" },
  );
});
