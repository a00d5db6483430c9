// Where the Letterbox under test is; `make test-clients` says it.
export const url = new URL("/graphql", process.env.LETTERBOX_URL).href;
export const socketUrl = url.replace(/^http/, "ws");
export const headers = { Authorization: `Bearer ${process.env.LETTERBOX_TOKEN}` };

export function mail(subject) {
  return {
    subject,
    body: '<p>See <a href="https://acme.test/offer">the offer</a>.</p>',
    recipients: ["jan@customer.test"],
    relatedEntityType: "offer",
    relatedEntityId: subject,
  };
}

// For those who look at the answer itself.
export async function post(query, variables, more = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json", ...more },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

export const SEND = `
  mutation Send($input: SendCommunicationInput!) {
    sendCommunication(input: $input) { id status subject }
  }
`;

export async function send(subject) {
  return (await post(SEND, { input: mail(subject) })).sendCommunication;
}
