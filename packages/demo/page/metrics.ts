/** What a runtime did since its load, and does now. */
export interface Counts {
  calls: number;
  errors: number;
  inFlight: number;
  queued: number;
  bytesIn: number;
  bytesOut: number;
  restarts: number;
  reloads: number;
}

const NONE: Counts = {
  calls: 0,
  errors: 0,
  inFlight: 0,
  queued: 0,
  bytesIn: 0,
  bytesOut: 0,
  restarts: 0,
  reloads: 0,
};

const SAMPLE = /^resty_ffi_(\w+)\{runtime="((?:[^"\\]|\\.)*)"(.*)\} (\S+)$/gm;

function fieldOf(name: string, labels: string): keyof Counts | undefined {
  switch (name) {
    case "calls_total":
      return "calls";
    case "errors_total":
      return "errors";
    case "in_flight":
      return "inFlight";
    case "queue_depth":
      return "queued";
    case "bytes_total":
      return labels.includes('direction="in"') ? "bytesIn" : "bytesOut";
    case "restarts_total":
      return "restarts";
    case "reloads_total":
      return "reloads";
    default:
      return undefined;
  }
}

/** Adds up the series of Prometheus text by the name of their runtime. */
export function countsOf(text: string): Map<string, Counts> {
  const found = new Map<string, Counts>();
  for (const [, name = "", quoted = "", labels = "", value] of text.matchAll(SAMPLE)) {
    const runtime = quoted.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    const counts = found.get(runtime) ?? { ...NONE };
    found.set(runtime, counts);
    const field = fieldOf(name, labels);
    if (field) counts[field] += Number(value);
  }
  return found;
}
