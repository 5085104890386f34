import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { environment, ROOT, which } from "../environment.ts";
import { install } from "./install.ts";
import type { Offer, Requirement } from "./requirements.ts";
import { atLeast, parsePolicy } from "./version.ts";

/** The words to put before a command so that it may install packages; undefined if this user may not. */
export function root(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  if (!which("sudo")) return undefined;
  // Asks for the password now instead of in the middle of the progress display.
  const ask = process.stdin.isTTY ? ["-v"] : ["-n", "true"];
  return spawnSync("sudo", ask, { stdio: "inherit" }).status === 0 ? ["sudo"] : undefined;
}

/**
 * The packages for `missing`: of each requirement the first offer that `candidates` (package → version) can serve. A
 * machine that never read its package lists has no candidates; it gets the offers for Debian 12.
 */
export function choose(missing: Requirement[], candidates: Map<string, string>): string[] {
  const serves = ({ packages: [first = "", ...others], minimum }: Offer): boolean => {
    if (candidates.size === 0) return minimum === undefined || first.endsWith("-web");
    const version = candidates.get(first);
    if (version === undefined || !atLeast(version, minimum ?? "0")) return false;
    return others.every((name) => candidates.has(name));
  };
  const packages = missing.flatMap((requirement) => {
    const offer = requirement.offers.find(serves);
    if (!offer) {
      throw new Error(`${requirement.name} (${requirement.why}): this distribution has no suitable package.`);
    }
    return offer.packages;
  });
  return [...new Set(packages)];
}

/** What the distribution's package lists offer now. */
export function candidates(missing: Requirement[]): Map<string, string> {
  const names = missing.flatMap(({ offers }) => offers.flatMap(({ packages }) => packages));
  const env = { ...environment(), LC_ALL: "C" };
  return parsePolicy(execFileSync("apt-cache", ["policy", ...new Set(names)], { encoding: "utf8", env }));
}

/** Installs the packages for `missing`; `prefix` is the result of `root()`. */
export async function installPackages(missing: Requirement[], prefix: string[]): Promise<void> {
  const run = (title: string, ...words: string[]): Promise<void> => {
    const [program = "", ...args] = [...prefix, ...words];
    return install(title, program, args);
  };
  await run("reading the distribution's package lists", "apt-get", "update");
  const packages = choose(missing, candidates(missing));
  process.stderr.write(`  ${packages.join(" ")}\n`);
  await run(
    `installing ${packages.length} packages`,
    "sh",
    join(ROOT, "scripts", "setup", "apt-install.sh"),
    ...packages,
  );
}
