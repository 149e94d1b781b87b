import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PortService } from "../../gen/tenki/engine/v1/port_pb.js";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { PreviewParts } from "../core/previews/assemble-previews.js";
import { defined } from "./convert/defined.js";
import { toWireExposure } from "./convert/preview.js";

/** The methods about ports that are reached from outside. */
export function portMethods({ previews, exposures, viewings }: PreviewParts) {
  const { addresses } = previews;
  return {
    async exposePort({ sessionId, port, expiresAt, slug }) {
      const wanted = { port, expiresAt: expiresAt && timestampDate(expiresAt), slug };
      const exposed = await exposures.expose(sessionId, { ...wanted, protocol: "http" });
      return { ...toWireExposure(exposed, addresses), hostAddress: addresses.host(exposed) };
    },
    async unexposePort({ sessionId, port }) {
      await exposures.unexpose(sessionId, port);
      return {};
    },
    listExposedPorts({ sessionId }) {
      return { ports: exposures.list(sessionId).map((each) => toWireExposure(each, addresses)) };
    },
    async openPreview({ sessionId, port, expiresAt }) {
      const opened = await viewings.open(sessionId, port, expiresAt && timestampDate(expiresAt));
      const { url, token } = opened;
      return { port, previewUrl: url, viewerToken: token, expiresAt: timestampFromDate(opened.expiresAt) };
    },
    touchPreview({ previewToken }) {
      return { lastAccessedAt: timestampFromDate(viewings.touch(previewToken)) };
    },
    resolvePreviewToken({ token }) {
      const { expiresAt, ...resolved } = viewings.resolve(token);
      const end = expiresAt && timestampFromDate(expiresAt);
      return { ...resolved, hostId: "local", ...defined({ expiresAt: end }) };
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}

/** The same for ports that speak something else than HTTP: beyond the contract. */
export const tcpPortMethods = ({ previews, exposures }: PreviewParts) =>
  ({
    async exposeTcpPort({ sessionId, port, expiresAt }) {
      const wanted = { port, protocol: "tcp" as const, expiresAt: expiresAt && timestampDate(expiresAt) };
      const exposed = await exposures.expose(sessionId, wanted);
      const url = previews.addresses.url(exposed);
      return { port, url, ...defined({ expiresAt }) };
    },
  }) satisfies ServiceImpl<typeof PortService>;
