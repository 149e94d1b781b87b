import { TenkiError } from "../../domain/error.js";
import type { Images } from "../core/ports/images.js";

const imageName = "sandbox";

/** The host as it is. */
export const hostImage: Images = {
  resolve(name) {
    if (name === "" || name === imageName) return Promise.resolve({ name: imageName, mounts: [] });
    const error = new TenkiError("not_found", `registry image not found: ${name}`, {
      hint: "with --isolation process there is only the host itself",
    });
    return Promise.reject(error);
  },
};
