import type { Language, Name } from "../places.ts";
import { goModule } from "./go.ts";
import { javaArtifact } from "./java.ts";
import { nodePackage } from "./node.ts";
import { pythonPackage } from "./python.ts";
import { rustCrate } from "./rust.ts";

/** The copy of an example, and the folder around it, which is ours. */
export interface Copy {
  parent: string;
  folder: string;
  name: Name;
}

/** What makes the language's tools take our package for the published one. */
export interface Published {
  env: Record<string, string>;
  close(): Promise<void>;
}

const PUBLISHERS: Record<Language, (copy: Copy) => Promise<Partial<Published>>> = {
  go: goModule,
  rust: rustCrate,
  python: pythonPackage,
  java: javaArtifact,
  node: nodePackage,
};

/** Stands in for the registry of a language, without a change to what the user has of it. */
export async function publish(language: Language, copy: Copy): Promise<Published> {
  return { env: {}, close: async () => undefined, ...(await PUBLISHERS[language](copy)) };
}
