/** Paths below the root; one that ends in `/` is a folder with all that is in it. */
export interface Scope {
  /** Pages are checked, except these. */
  pagesExcept: readonly string[];
  /** Comments and messages of sources are checked in these only. */
  sources: readonly string[];
}

/** To widen the lint, remove a line from the first list or add one to the second. */
export const SCOPE: Scope = {
  pagesExcept: [
    // Written by the bench.
    "docs/benchmarks.md",
  ],
  sources: [
    "packages/bench/",
    "packages/conformance/",
    "packages/demo/",
    "packages/error/",
    "packages/examples/",
    "packages/host/",
    "packages/nginx/",
    "packages/node/",
    "packages/services/",
    "scripts/contract.ts",
    "scripts/processes/",
    "scripts/prose/check.ts",
    "scripts/prose/extract.ts",
    "scripts/prose/main.ts",
    "scripts/prose/scope.ts",
    "scripts/setup/",
    "scripts/tally/",
  ],
};

/** Whether a file, given by its path below the root, is checked. */
export function inScope(file: string, scope = SCOPE): boolean {
  const within = (places: readonly string[]) =>
    places.some((place) => (place.endsWith("/") ? file.startsWith(place) : file === place));
  return file.endsWith(".md") ? !within(scope.pagesExcept) : within(scope.sources);
}
