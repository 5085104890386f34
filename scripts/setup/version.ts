/** The first version number in a text, such as 1.26.8 in `go version go1.26.8 linux/amd64`. */
export function parseVersion(text: string): string | undefined {
  return /\d+(?:\.\d+)+|\d+/.exec(text)?.[0];
}

/** Whether `version` is `minimum` or newer. Missing parts count as 0. */
export function atLeast(version: string, minimum: string): boolean {
  const left = version.split(".").map(Number);
  const right = minimum.split(".").map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The candidate versions in the output of `apt-cache policy`, without Debian's epoch and revision. */
export function parsePolicy(output: string): Map<string, string> {
  const versions = new Map<string, string>();
  let current = "";
  for (const line of output.split("\n")) {
    current = /^(\S+):$/.exec(line)?.[1] ?? current;
    const candidate = /^ {2}Candidate: (?:\d+:)?(\S+)/.exec(line)?.[1];
    const version = candidate && parseVersion(candidate);
    // apt prints "(none)" for a package that it knows but cannot install.
    if (version && candidate !== "(none)") versions.set(current, version);
  }
  return versions;
}
