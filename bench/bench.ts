import { Client } from "../src/client/index.js";
import { startDocker, type DockerPeer } from "./docker.js";
import { timeProcess } from "./measure.js";
import { startTenki, type TenkiPeer } from "./tenki.js";

/** What the rows are measured with; each thing is made when the first row needs it, and closed at the end. */
export interface Bench {
  readonly tenki: () => Promise<TenkiPeer>;
  /** The library, connected to the same engine. */
  readonly client: () => Promise<Client>;
  /** Runs the built command line in whose HOME the session `bench` is the current one, and returns its time. */
  timeTenki(...args: readonly string[]): Promise<number>;
  /** A command in a container, or undefined where there is no docker. */
  timeDocker(how: "exec" | "run", ...argv: readonly string[]): Promise<number | undefined>;
  /** How often a row is measured: `full` times, or a tenth of that where it has to be quick. */
  runs(full: number): number;
  share<T>(open: () => Promise<T>, close?: (opened: T) => Promise<unknown>): () => Promise<T>;
}

export interface OpenBench extends Bench {
  /** Why some rows compare with nothing. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export function openBench({ quick }: { readonly quick: boolean }): OpenBench {
  const closings: (() => Promise<unknown>)[] = [];
  const notes: string[] = [];
  const share: Bench["share"] = (open, close) => {
    let opened: ReturnType<typeof open> | undefined;
    return () => {
      opened ??= open().then((value) => {
        if (close !== undefined) closings.push(() => close(value));
        return value;
      });
      return opened;
    };
  };
  const tenki = share(startTenki, (peer) => peer.close());
  const client = share(
    async () => {
      const { endpoint, token } = await tenki();
      return new Client({ baseUrl: endpoint, authToken: token });
    },
    async (opened) => opened.close(),
  );
  const current = share(async () => {
    const peer = await tenki();
    await timeProcess(peer.command("sandbox", "create", "--name", "bench"), peer.env);
    return peer;
  });
  const docker = share(
    async (): Promise<DockerPeer | undefined> => {
      const peer = await startDocker();
      if (typeof peer !== "string") return peer;
      notes.push(`left out the comparisons with docker: ${peer}`);
      return undefined;
    },
    async (peer) => peer?.close(),
  );
  return {
    notes,
    tenki,
    client,
    async timeTenki(...args) {
      const peer = await current();
      return timeProcess(peer.command(...args), peer.env);
    },
    async timeDocker(how, ...argv) {
      const peer = await docker();
      return peer && timeProcess(peer[how](argv));
    },
    runs: (full) => (quick ? Math.ceil(full / 10) : full),
    share,
    async close() {
      const failures: unknown[] = [];
      for (const close of closings.toReversed())
        await close().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}
