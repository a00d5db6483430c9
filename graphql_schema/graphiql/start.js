// Starts GraphiQL with the example operations in tabs. Queries and mutations go by HTTP,
// subscriptions by a WebSocket that says the same Authorization as the header of the tab.
"use strict";

const address = new URL("/graphql", window.location.href);
const http = GraphiQL.createFetcher({ url: address.href });

function kindOf({ query, operationName }) {
  let document;
  try {
    document = GraphiQL.GraphQL.parse(query);
  } catch {
    return "unknown"; // The server says best what is wrong with it.
  }
  const operations = document.definitions.filter(
    (definition) => definition.kind === "OperationDefinition",
  );
  const chosen = operations.find((one) => one.name?.value === operationName);
  return (chosen ?? operations[0])?.operation;
}

function subscribe(params, headers) {
  const socket = new URL(address);
  socket.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const client = graphqlWs.createClient({
    url: socket.href,
    connectionParams: headers ?? {},
    retryAttempts: 0,
  });
  return client.iterate(params);
}

function fetcher(params, options) {
  return kindOf(params) === "subscription"
    ? subscribe(params, options?.headers)
    : http(params, options);
}

const examples = JSON.parse(document.getElementById("examples").textContent);
const headers = '{\n  "Authorization": "Bearer PUT YOUR TOKEN HERE"\n}';
const isFirstVisit = window.localStorage.getItem("graphiql:tabState") === null;
const explorer = GraphiQLPluginExplorer.explorerPlugin();

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    plugins: [explorer],
    defaultHeaders: headers,
    // Tokens stay in the page: they are not kept in the browser's storage.
    shouldPersistHeaders: false,
    defaultTabs: examples.map(({ query, variables }) => ({ query, variables, headers })),
    // Of the first tab it takes the query only.
    variables: isFirstVisit ? examples[0].variables : undefined,
    defaultEditorToolsVisibility: "headers",
    inputValueDeprecation: true,
    isHeadersEditorEnabled: true,
  }),
);
