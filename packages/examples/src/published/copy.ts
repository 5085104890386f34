import type { Name } from "../places.ts";

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
