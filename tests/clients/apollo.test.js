// Apollo Client: Relay-style pages, a cache that mutations keep current, subscriptions.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import WebSocket from "ws";
import { headers, mail, send, SEND, socketUrl, url } from "./letterbox.js";

const sockets = createClient({
  url: socketUrl,
  connectionParams: headers,
  webSocketImpl: WebSocket,
});
const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: url, headers }),
  ),
  cache: new InMemoryCache({
    typePolicies: {
      Query: { fields: { communications: relayStylePagination(["filter", "orderBy"]) } },
    },
  }),
});
after(() => Promise.all([client.stop(), sockets.dispose()]));

const PAGE = gql`
  query Page($first: Int!, $after: String, $filter: CommunicationFilter) {
    communications(first: $first, after: $after, filter: $filter) {
      totalCount
      edges {
        cursor
        node {
          id
          subject
          status
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

test("pages are joined in the cache", async () => {
  const entity = `apollo-${Date.now()}`;
  for (const _ of [1, 2, 3, 4, 5]) await send(entity);
  const filter = { relatedEntityId: { eq: entity } };
  const watched = client.watchQuery({ query: PAGE, variables: { first: 2, filter } });
  const shown = watched.subscribe({ error: assert.fail });
  const first = await watched.refetch();
  assert.equal(first.data.communications.edges.length, 2);
  assert.equal(first.data.communications.totalCount, 5);

  let page = first.data.communications.pageInfo;
  while (page.hasNextPage) {
    const more = await watched.fetchMore({ variables: { after: page.endCursor } });
    page = more.data.communications.pageInfo;
  }

  shown.unsubscribe();
  const joined = client.readQuery({ query: PAGE, variables: { first: 2, filter } });
  const all = joined.communications.edges.map(({ node }) => node.id);
  assert.equal(new Set(all).size, 5);
  assert.equal(all.length, 5);
});

test("a mutation's answer updates what a query has read", async () => {
  const later = new Date(Date.now() + 3600_000).toISOString();
  const scheduled = await client.mutate({
    mutation: gql`
      mutation Schedule($input: ScheduleCommunicationInput!) {
        scheduleCommunication(input: $input) {
          id
          status
        }
      }
    `,
    variables: { input: { ...mail("apollo cache"), scheduledAt: later } },
  });
  const { id } = scheduled.data.scheduleCommunication;
  const query = gql`
    query One($id: ID!) {
      communication(id: $id) {
        id
        status
      }
    }
  `;
  const before = await client.query({ query, variables: { id } });
  assert.equal(before.data.communication.status, "SCHEDULED");

  await client.mutate({
    mutation: gql`
      mutation Cancel($id: ID!) {
        cancelCommunication(id: $id) {
          id
          status
        }
      }
    `,
    variables: { id },
  });

  const cached = client.readQuery({ query, variables: { id } });
  assert.equal(cached.communication.status, "CANCELLED");
});

test("errors carry their code and fields", async () => {
  const broken = { ...mail("apollo errors"), recipients: ["nobody"] };

  await assert.rejects(
    client.mutate({ mutation: gql(SEND), variables: { input: broken } }),
    (error) => {
      assert.equal(error.errors[0].extensions.code, "BAD_USER_INPUT");
      assert.equal(error.errors[0].extensions.fields[0].path, "recipients[0]");
      return true;
    },
  );
});

test("a subscription keeps the cache current", async () => {
  const changed = gql`
    subscription Changed($of: CommunicationTarget!) {
      communicationChanged(of: $of) {
        id
        status
      }
    }
  `;
  const entity = `apollo-live-${Date.now()}`;
  const statuses = new Promise((resolve, reject) => {
    const seen = [];
    client
      .subscribe({ query: changed, variables: { of: { entity: { type: "offer", id: entity } } } })
      .subscribe({
        next: ({ data }) => {
          seen.push(data.communicationChanged.status);
          if (seen.at(-1) === "SENT") resolve(seen);
        },
        error: reject,
      });
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { id } = await send(entity);

  assert.equal((await statuses).at(-1), "SENT");
  const cached = client.cache.readFragment({
    id: `Communication:${id}`,
    fragment: gql`
      fragment Status on Communication {
        status
      }
    `,
  });
  assert.equal(cached.status, "SENT");
});
