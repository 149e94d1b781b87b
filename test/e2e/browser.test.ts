import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client } from "../../src/client/index.js";
import { Browser, type Page } from "./support/browser.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";
import { makeWebApp } from "./support/web-app.js";

/** Vite's development server inside, and its page in a Chromium here. */
describe("a web app in a browser", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let browser: Browser;
  let page: Page;
  let url: string;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "app", "--allow-inbound"]);
    makeWebApp(join(bench.home, "app"));
    await bench.ok(["sandbox", "cp", "-r", "app", "app:app"]);
    await bench.ok(["sandbox", "cp", process.execPath, "app:node"]);
    url = (await bench.json<{ preview_url: string }>(["sandbox", "expose", "5173"])).preview_url;
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await bench.close();
  });

  const write = (name: string, data: string) =>
    bench.ok(["sandbox", "write", "--path", `app/${name}`, "--data", data]);

  it("is shown by the page itself once it runs", async () => {
    page = await browser.open(url);
    await page.shows("Nothing in the sandbox listens on port 5173.");
    const start = ["../node", "node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--strictPort"];
    await bench.ok(["sandbox", "exec", "-d", "--cwd", "app", "--", ...start]);
    await page.shows("hello from inside");
  });

  it("is changed by what is edited inside, and not loaded anew", async () => {
    await page.evaluate("window.sameDocument = true");
    await write("greeting.js", 'export const greeting = "edited inside";');
    await page.shows("edited inside");
    await write("style.css", "h1 { color: rgb(200, 0, 0); }");
    const color = () => page.evaluate<string>("getComputedStyle(document.querySelector('h1')).color");
    await page.until("the new colour", async () => (await color()) === "rgb(200, 0, 0)");
    assert.equal(await page.evaluate("window.sameDocument"), true);
  });

  it("goes on when the session does, and is told of meanwhile", async () => {
    await bench.ok(["sandbox", "pause"]);
    const visitor = await browser.open(url);
    await visitor.shows("The session is paused");
    await bench.ok(["sandbox", "resume"]);
    await visitor.shows("edited inside");
  });

  it("is told what is going on now, and goes where a service sends it that is there at last", async () => {
    const { preview_url: at } = await bench.json<{ preview_url: string }>(["sandbox", "expose", "3000"]);
    await bench.ok(["sandbox", "pause"]);
    const visitor = await browser.open(at);
    await visitor.shows("The session is paused");
    await bench.ok(["sandbox", "resume"]);
    await visitor.shows("Nothing in the sandbox listens on port 3000.");
    await write("login.js", redirecting(`${url}/`));
    await bench.ok(["sandbox", "exec", "-d", "--cwd", "app", "--", "../node", "login.js"]);
    await visitor.shows("edited inside");
  });

  it("is shown under a preview URL as soon as that is bound", async () => {
    const words = ["sandbox", "preview-url"];
    const created = await bench.json<{ preview_url: string }>([...words, "create", "shop"]);
    const visitor = await browser.open(created.preview_url);
    await visitor.shows("The address points at nothing");
    await bench.ok([...words, "bind", "shop", "--session", "app", "--port", "5173"]);
    await visitor.shows("edited inside");
  });

  it("opens for a viewer, reload and all, and tells nobody the token", async () => {
    const referrers: (string | undefined)[] = [];
    const elsewhere = createServer((request, answer) => {
      if (request.url === "/") referrers.push(request.headers.referer);
      answer.end("elsewhere");
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const client = new Client({ authToken: engine.token, baseUrl: engine.endpoint });
    try {
      const [session] = await client.list();
      const { previewUrl, viewerToken } = await (session ?? assert.fail()).openPreview(5173);
      const visitor = await browser.open(previewUrl);
      await visitor.shows("edited inside");
      await write("greeting.js", 'export const greeting = "edited for the viewer";');
      await visitor.shows("edited for the viewer");
      const known = await visitor.evaluate<string>(
        "JSON.stringify([location.href, document.referrer, document.cookie, performance.getEntries()])",
      );
      assert.equal(known.includes(viewerToken), false);
      const { port } = elsewhere.address() as AddressInfo;
      await visitor.evaluate(`location.href = "http://127.0.0.1:${port}/"`);
      await visitor.shows("elsewhere");
      assert.equal(referrers.length, 1);
      assert.equal(referrers[0]?.includes(viewerToken) ?? false, false);
    } finally {
      client.close();
      elsewhere.close();
      elsewhere.closeAllConnections();
    }
  });
});

/** A service that sends who comes to it to another origin, as one with a login elsewhere does. */
const redirecting = (location: string): string => `import { createServer } from "node:http";
createServer((_, answer) => answer.writeHead(302, { location: ${JSON.stringify(location)} }).end()).listen(3000);
`;
