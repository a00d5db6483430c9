// urql: queries, mutations and subscriptions over SSE and WebSocket.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import WebSocket from "ws";
import { headers, mail, send, SEND, socketUrl, url } from "./letterbox.js";

const ws = createWs({ url: socketUrl, connectionParams: headers, webSocketImpl: WebSocket });
const sse = createSse({ url, headers });
after(() => {
  ws.dispose();
  sse.dispose();
});

function forwarding(transport) {
  return subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: transport.subscribe(request, sink) }),
    }),
  });
}

function clientOver(transport) {
  return new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [fetchExchange, forwarding(transport)],
  });
}

test("sends and reads back", async () => {
  const client = clientOver(ws);
  const sent = await client.mutation(SEND, { input: mail("urql") }).toPromise();
  assert.equal(sent.error, undefined);

  const query = "query One($id: ID!) { communication(id: $id) { id subject } }";
  const read = await client.query(query, { id: sent.data.sendCommunication.id }).toPromise();

  assert.equal(read.data.communication.subject, "urql");
});

for (const [name, transport] of [["graphql-ws", ws], ["graphql-sse", sse]]) {
  test(`a subscription over ${name}`, async () => {
    const client = clientOver(transport);
    const entity = `urql-${name}-${Date.now()}`;
    const document = `
      subscription Changed($of: CommunicationTarget!) {
        communicationChanged(of: $of) { id status recipients }
      }
    `;
    const of = { entity: { type: "offer", id: entity } };
    const sent = new Promise((resolve, reject) => {
      const { unsubscribe } = client
        .subscription(document, { of })
        .subscribe(({ data, error }) => {
          if (error) reject(error);
          if (data?.communicationChanged.status !== "SENT") return;
          unsubscribe();
          resolve(data.communicationChanged);
        });
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { id } = await send(entity);

    assert.deepEqual(await sent, {
      id,
      status: "SENT",
      recipients: ["jan@customer.test"],
    });
  });
}
