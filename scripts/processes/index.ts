/** Processes of this machine, as tests, the bench and the demo look at them. */
export { ended, stop, survivors } from "./life.ts";
export type { Process } from "./process.ts";
export { commandOf, environmentOf, folderOf } from "./program.ts";
export { children, descendants, family } from "./tree.ts";
export {
  cpuSeconds,
  descriptors,
  ownMemory,
  proportionalMemory,
  resident,
  runtimeThreads,
  threads,
} from "./usage.ts";
