/** The one place where the command line touches the engine's code: to be the engine, and to look at the machine. */
export const loadEngine = () => import("../../engine/main.js");

export const loadDoctor = () => import("../../engine/doctor/run-doctor.js");
