import { mkdtemp, mkdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess, tryProcess } from "../src/lib/process.js";

export interface DockerPeer {
  exec(argv: readonly string[]): readonly string[];
  run(argv: readonly string[]): readonly string[];
  close(): Promise<void>;
}

const image = "tenki-bench";
const shared = ["-v", "/usr:/usr:ro"];

/** A container of the same programs as a sandbox's, or the reason why there is none. */
export async function startDocker(): Promise<DockerPeer | string> {
  const answer = await tryProcess(["docker", "version", "--format", "{{.Server.Version}}"]).catch(
    () => undefined,
  );
  if (answer === undefined) return "docker is not installed";
  if (answer.exitCode !== 0) return "docker is installed, but its service does not run";
  await importImage();
  const container = `tenki-bench-${process.pid}`;
  await runProcess(["docker", "run", "-d", "--name", container, ...shared, image, "/usr/bin/sleep", "86400"]);
  return {
    exec: (argv) => ["docker", "exec", container, ...argv],
    run: (argv) => ["docker", "run", "--rm", ...shared, image, ...argv],
    async close() {
      await tryProcess(["docker", "rm", "-f", container]);
      await tryProcess(["docker", "rmi", image]);
    },
  };
}

/** An image of nothing but the links that lead into /usr, which is the host's. */
async function importImage(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "tenki-bench-"));
  try {
    for (const name of ["bin", "lib", "lib64", "sbin"]) await symlink(`usr/${name}`, join(root, name));
    for (const name of ["usr", "tmp", "proc", "dev"]) await mkdir(join(root, name));
    const archive = join(root, "..", `${image}-${process.pid}.tar`);
    await runProcess(["tar", "-C", root, "-cf", archive, "."]);
    await runProcess(["docker", "import", archive, image]);
    await rm(archive);
  } finally {
    await rm(root, { recursive: true });
  }
}
