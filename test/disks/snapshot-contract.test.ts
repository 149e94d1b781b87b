import { InMemoryParts } from "../core/in-memory-parts.js";
import { testSnapshotContract } from "./support/snapshot-contract.js";

testSnapshotContract("in memory", async () => new InMemoryParts());
