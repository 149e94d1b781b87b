import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, MissingAuthTokenError } from "../../src/client/index.js";
import { scriptedService, sessionId } from "./scripted-service.js";

async function headersSeen(token: string): Promise<Headers> {
  let seen = new Headers();
  await using service = await scriptedService({
    sandbox: {
      whoAmI: (_, context) => {
        seen = new Headers(context.requestHeader);
        return {};
      },
    },
  });
  await service.client({ authToken: token }).whoAmI();
  return seen;
}

test("an API key goes as a bearer token", async () => {
  const headers = await headersSeen("tk_abc");
  assert.equal(headers.get("authorization"), "Bearer tk_abc");
  assert.equal(headers.get("x-session-token"), null);
  assert.equal(headers.get("cookie"), null);
});

test("a session token goes in its own header", async () => {
  const headers = await headersSeen("ory_st_abc");
  assert.equal(headers.get("x-session-token"), "ory_st_abc");
  assert.equal(headers.get("authorization"), null);
});

test("any other token goes as the browser's cookie", async () => {
  const headers = await headersSeen("MTcabc");
  assert.equal(headers.get("cookie"), "ory_kratos_session=MTcabc");
  assert.equal(headers.get("authorization"), null);
});

test("every call says what speaks", async () => {
  const headers = await headersSeen("tk_abc");
  assert.equal(headers.get("x-tenki-client-family"), "tenki_cli");
  assert.equal(headers.get("x-tenki-client-generation"), "workspace_v1");
});

test("the data plane sees the credential and never the token", async () => {
  let seen = new Headers();
  await using service = await scriptedService({
    dataPlane: {
      stat: (_, context) => {
        seen = new Headers(context.requestHeader);
        return { response: { exists: false } };
      },
    },
  });
  await service.client().session(sessionId).stat("x");
  assert.equal(seen.get("x-tenki-session-cert"), "cert-1");
  assert.equal(seen.get("authorization"), null);
  assert.equal(seen.get("x-tenki-client-generation"), "workspace_v1");
});

test("a token is looked for in the option, then TENKI_AUTH_TOKEN, then TENKI_API_KEY", async () => {
  const seen: (string | null)[] = [];
  await using service = await scriptedService({
    sandbox: {
      whoAmI: (_, context) => {
        seen.push(context.requestHeader.get("authorization"));
        return {};
      },
    },
  });
  const baseUrl = service.endpoint;
  const env = { TENKI_AUTH_TOKEN: "tk_two", TENKI_API_KEY: "tk_three" };
  for (const options of [
    { baseUrl, authToken: "tk_one", env },
    { baseUrl, env },
    { baseUrl, env: { ...env, TENKI_AUTH_TOKEN: " " } },
  ]) {
    const client = new Client(options);
    await client.whoAmI();
    client.close();
  }
  assert.deepEqual(seen, ["Bearer tk_one", "Bearer tk_two", "Bearer tk_three"]);
});

test("without a token there is no client", () => {
  assert.throws(() => new Client({ env: {} }), MissingAuthTokenError);
});

test("the endpoint is looked for in the option, then the environment, then is the cloud's", () => {
  const endpoint = (baseUrl: string | undefined, env: Record<string, string>) =>
    new Client({ authToken: "tk_x", baseUrl, env }).endpoint;
  const both = { TENKI_API_ENDPOINT: "http://b", TENKI_API_URL: "http://c" };
  assert.equal(endpoint("http://a/", both), "http://a");
  assert.equal(endpoint(undefined, both), "http://b");
  assert.equal(endpoint(undefined, { TENKI_API_URL: "http://c" }), "http://c");
  assert.equal(endpoint(undefined, {}), "https://api.tenki.cloud");
});

test("an endpoint that is no address is refused before anything is opened", () => {
  for (const baseUrl of ["nonsense", "ftp://x", "localhost:8365"]) {
    assert.throws(() => new Client({ authToken: "tk_x", baseUrl, env: {} }), {
      kind: "invalid_argument",
      message: `the endpoint "${baseUrl}" is no http:// or https:// address`,
    });
  }
});
