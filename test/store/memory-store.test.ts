import { MemoryStore } from "../../src/engine/store/memory-store.js";
import { artifactStoreContract } from "./artifact-store-contract.js";
import { executionStoreContract } from "./execution-store-contract.js";
import { previewStoreContract } from "./preview-store-contract.js";
import { snapshotStoreContract } from "./snapshot-store-contract.js";
import { storeContract } from "./store-contract.js";
import { volumeStoreContract } from "./volume-store-contract.js";

storeContract("MemoryStore", () => new MemoryStore());
executionStoreContract("MemoryStore", () => new MemoryStore());
artifactStoreContract("MemoryStore", () => new MemoryStore());
previewStoreContract("MemoryStore", () => new MemoryStore());
snapshotStoreContract("MemoryStore", () => new MemoryStore());
volumeStoreContract("MemoryStore", () => new MemoryStore());
