// What docs/graphql.md and the tabs of GraphiQL show.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const TABS = join(ROOT, "graphql_schema/graphiql/examples");

// The blocks of one language in the guide, each with the heading above it.
export function blocks(language) {
  const found = [];
  let heading = "";
  const guide = readFileSync(join(ROOT, "docs/graphql.md"), "utf8");
  for (const match of guide.matchAll(/^## (.*)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (match[1]) heading = match[1];
    else if (match[2] === language) found.push({ heading, text: match[3] });
  }
  return found;
}

export function examples() {
  const tabs = readdirSync(TABS)
    .filter((name) => name.endsWith(".graphql"))
    .map((name) => readFileSync(join(TABS, name), "utf8"));
  return [...tabs, ...blocks("graphql").map(({ text }) => text)];
}
