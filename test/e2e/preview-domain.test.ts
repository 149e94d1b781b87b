import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { Browser, type Page } from "./support/browser.js";
import { type Certificate, issueCertificate } from "./support/certificate.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";
import { makeWebApp } from "./support/web-app.js";

const domain = "preview.test";

/** An engine with a wildcard's certificate; who visits it finds all names of the domain on this machine. */
describe("names below a domain, over TLS", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let browser: Browser;
  let certificate: Certificate;
  let url: string;
  before(async () => {
    bench = await Workbench.open();
    certificate = await issueCertificate(await bench.directory("tls"), `DNS:*.${domain},IP:127.0.0.1`);
    bench.env["NODE_EXTRA_CA_CERTS"] = certificate.authority;
    const flags = ["--tls-cert", certificate.certificate, "--tls-key", certificate.key];
    engine = await bench.startEngine(...flags, "--preview-domain", domain);
    await bench.ok(["sandbox", "create", "--name", "app", "--allow-inbound"]);
    makeWebApp(join(bench.home, "app"));
    await bench.ok(["sandbox", "cp", "-r", "app", "app:app"]);
    await bench.ok(["sandbox", "cp", process.execPath, "app:node"]);
    browser = await Browser.start(
      `--host-resolver-rules=MAP *.${domain} 127.0.0.1`,
      `--ignore-certificate-errors-spki-list=${keyDigest(certificate.certificate)}`,
    );
  });
  after(async () => {
    await browser?.close();
    await bench.close();
  });

  const curl = (at: string, ...args: readonly string[]) => {
    const { hostname, port } = new URL(at);
    const resolve = ["--resolve", `${hostname}:${port}:127.0.0.1`];
    return runProcess(["curl", "-sS", "--cacert", certificate.authority, ...resolve, ...args, at]);
  };
  const write = (name: string, data: string) =>
    bench.ok(["sandbox", "write", "--path", `app/${name}`, "--data", data]);
  const protocolOf = (page: Page) =>
    page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol");

  it("are what expose prints, and are said to be nobody's where they are", async () => {
    const exposed = await bench.json<{ preview_url: string; slug: string }>([
      ...["sandbox", "expose", "5173", "--slug", "shop"],
    ]);
    url = exposed.preview_url;
    const { port } = new URL(engine.endpoint);
    assert.match(url, new RegExp(`^https://shop--[0-9a-f]{8}\\.preview\\.test:${port}$`));
    const status = ["-o", "/dev/null", "-w", "%{http_code} %{http_version}"];
    assert.equal(await curl(url, ...status), "502 2");
    assert.equal(await curl(url.replace("shop--", "nobody--"), ...status, "--http1.1"), "404 1.1");
  });

  it("open in a browser once the service runs, which is told of by whom", async () => {
    const page = await browser.open(url);
    await page.shows("Nothing in the sandbox listens on port 5173.");
    await write("vite.config.js", viteConfig);
    const start = ["../node", "node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--strictPort"];
    await bench.ok(["sandbox", "exec", "-d", "--cwd", "app", "--", ...start]);
    await page.shows("hello from inside");
    assert.equal(await protocolOf(page), "h2");
    const asked = await page.evaluate<Record<string, string>>("fetch('/said').then((said) => said.json())");
    const { host, port } = new URL(url);
    assert.equal(asked["host"], host);
    assert.equal(asked["x-forwarded-host"], host);
    assert.equal(asked["x-forwarded-port"], port);
    assert.equal(asked["x-forwarded-proto"], "https");
    assert.equal(asked["x-forwarded-for"], "127.0.0.1");
  });

  it("carry the WebSocket by which a page is changed, and not loaded anew", async () => {
    const page = await browser.open(url);
    await page.shows("hello from inside");
    await page.evaluate("window.sameDocument = true");
    await write("greeting.js", 'export const greeting = "edited inside";');
    await page.shows("edited inside");
    assert.equal(await page.evaluate("window.sameDocument"), true);
  });

  it("open for a viewer, by a cookie that only this name gets, over TLS only", async () => {
    const { id } = await bench.json<{ id: string }>(["sandbox", "get", "app"]);
    const { previewUrl, viewerToken } = JSON.parse(
      await curl(
        `${engine.endpoint}/tenki.sandbox.v1.SandboxService/OpenPreview`,
        ...["-H", "content-type: application/json", "-H", `authorization: Bearer ${engine.token}`],
        ...["-d", JSON.stringify({ sessionId: id, port: 5173 })],
      ),
    ) as { previewUrl: string; viewerToken: string };
    assert.match(previewUrl, /^https:\/\/[^/]*\.preview\.test:/);
    assert.match(await curl(previewUrl.replace(/\?.*/, "")), /^not for everybody/);
    const visitor = await browser.open(previewUrl);
    await visitor.shows("edited inside");
    assert.equal((await visitor.evaluate<string>("location.href")).includes(viewerToken), false);
    await write("greeting.js", 'export const greeting = "edited for the viewer";');
    await visitor.shows("edited for the viewer");
    const asked = await visitor.evaluate<string>("fetch('/said').then((said) => said.text())");
    assert.equal(asked.includes(viewerToken), false);
    const head = await curl(previewUrl, "-o", "/dev/null", "-D", "-");
    assert.match(head, /^set-cookie: tenki_viewer_[^;]*; Path=\/; HttpOnly; SameSite=Lax; Secure\r$/m);
    assert.equal(readFileSync(join(bench.dataDir, "engine.log"), "utf8").includes(viewerToken), false);
  });
});

/** The name is one that Vite knows nothing of; and it says back what it was told. */
const viteConfig = `export default {
  server: { allowedHosts: [".${domain}"] },
  plugins: [{
    name: "said",
    configureServer: ({ middlewares }) =>
      void middlewares.use("/said", (request, response) => response.end(JSON.stringify(request.headers))),
  }],
};
`;

/** By which Chromium is told to take this one key for good. */
const keyDigest = (certificate: string): string =>
  createHash("sha256")
    .update(new X509Certificate(readFileSync(certificate)).publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
