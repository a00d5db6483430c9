// The audits of GraphQL over HTTP, by the authors of its reference implementation.
import { serverAudits } from "graphql-http";
import { test } from "node:test";
import { headers, url } from "./letterbox.js";

function fetchWithToken(address, options = {}) {
  return fetch(address, { ...options, headers: { ...headers, ...options.headers } });
}

for (const audit of serverAudits({ url, fetchFn: fetchWithToken })) {
  test(audit.name, async () => {
    const result = await audit.fn();
    // What the specification only allows (MAY) is ours to decide.
    if (result.status === "error" || result.status === "warn") throw new Error(result.reason);
  });
}
