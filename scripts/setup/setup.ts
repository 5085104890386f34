import { which } from "../environment.ts";
import { candidates, choose, installPackages, root } from "./debian.ts";
import { installGo } from "./go.ts";
import { REQUIREMENTS, type Requirement } from "./requirements.ts";

interface Missing {
  requirement: Requirement;
  problem: string;
}

async function missing(): Promise<Missing[]> {
  const found = await Promise.all(
    REQUIREMENTS.map(async (requirement) => ({ requirement, problem: await requirement.missing() })),
  );
  return found.filter((entry): entry is Missing => entry.problem !== undefined);
}

/** Installs what this machine lacks. Prints a single line if nothing is missing. */
export async function setup(): Promise<number> {
  const started = performance.now();
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;

  const lacking = await missing();
  if (lacking.length === 0) {
    say(`set-up: nothing is missing (${seconds()})`);
    return 0;
  }
  say("set-up: this machine lacks");
  for (const { requirement, problem } of lacking) say(`  - ${requirement.name} (${requirement.why}): ${problem}`);

  try {
    await supply(lacking);
  } catch (error) {
    say(`set-up: ${(error as Error).message}`);
    return 1;
  }
  const left = await missing();
  for (const { requirement, problem } of left) say(`set-up: still, ${requirement.name} ${problem}`);
  if (left.length > 0) return 1;
  say(`set-up: everything is there (${seconds()})`);
  return 0;
}

async function supply(lacking: Missing[]): Promise<void> {
  const requirements = lacking.map(({ requirement }) => requirement);
  const go = requirements.some(({ name }) => name === "go");
  // An old Go needs no package: it can fetch the newer Go.
  const packaged = requirements.filter(({ name }) => name !== "go" || !which("go"));
  if (packaged.length > 0) await installDebian(packaged);
  if (go && (await requirements.find(({ name }) => name === "go")?.missing())) await installGo();
}

async function installDebian(requirements: Requirement[]): Promise<void> {
  if (!which("apt-get")) {
    throw new Error("it installs only the packages of Debian and Ubuntu; please install what is listed above.");
  }
  const prefix = root();
  if (!prefix) {
    const packages = choose(requirements, candidates(requirements)).join(" ");
    throw new Error(
      `installing Debian's packages needs root or sudo. Run this, then try again:\n\n` +
        `  apt-get update && apt-get install -y --no-install-recommends ${packages}\n`,
    );
  }
  await installPackages(requirements, prefix);
}
