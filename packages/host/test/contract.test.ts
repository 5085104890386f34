import { constantOf, enumOf, offsetsOf, structOf } from "@resty-ffi/scripts/contract";
import { describe, expect, test } from "vitest";
import {
  AGAIN,
  BUCKETS,
  CALL,
  CallState,
  FOREVER,
  KINDS,
  METHOD_STATS,
  OPTIONS,
  Said,
  STATS,
  StreamNext,
} from "../src/abi.js";
import * as host from "../src/index.js";
import { LEVELS } from "../src/log.js";
import { decodeMethodStats, decodeStats, ERROR_KINDS } from "../src/stats.js";

/** As the core would fill a struct: its n-th number is n. */
function filled(name: string): Buffer {
  const { size, fields } = structOf(name);
  const bytes = Buffer.alloc(size);
  let n = 0;
  for (const { offset, size: width } of Object.values(fields)) {
    if (width === 4) bytes.writeUInt32LE(++n, offset);
    else for (let at = offset; at < offset + width; at += 8) bytes.writeBigUInt64LE(BigInt(++n), at);
  }
  return bytes;
}

describe("constants are those of the C headers, all of them", () => {
  test.each([
    ["resty_ffi_call_state", CallState],
    ["resty_ffi_stream_next", StreamNext],
  ])("%s", (name, own) => {
    expect(own).toEqual(enumOf(name, "RESTY_FFI_"));
  });

  test("whether a flag was given", () => {
    expect(Said).toEqual(enumOf("resty_ffi_said", "RESTY_FFI_"));
  });

  test("numbers of their own", () => {
    expect(AGAIN).toBe(constantOf("RESTY_FFI_AGAIN"));
    expect(FOREVER).toBe(constantOf("RESTY_FFI_FOREVER"));
    expect(KINDS).toBe(constantOf("RESTY_FFI_KINDS"));
    expect(BUCKETS).toBe(constantOf("RESTY_FFI_BUCKETS"));
  });

  test("the codes, in Status and by their own names", () => {
    const { OK: _, ...codes } = enumOf("resty_ffi_status", "RESTY_FFI_");
    expect(host.Status).toEqual(codes);
    expect(host).toMatchObject(codes);
  });

  test("the levels of log lines", () => {
    const levels = Object.entries(enumOf("resty_ffi_level", "RESTY_FFI_LOG_")).sort(([, a], [, b]) => a - b);
    expect(levels.map(([, level]) => level)).toEqual(LEVELS.map((_, index) => index + 1));
    expect(levels.map(([name]) => (name === "ERR" ? "error" : name.toLowerCase()))).toEqual(LEVELS);
  });

  test("a counter for each code", () => {
    const camel = (name: string) => name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const codes = Object.entries(host.Status).sort(([, a], [, b]) => b - a);
    expect(codes.map(([, code]) => -code)).toEqual(codes.map((_, index) => index + 1));
    expect(ERROR_KINDS).toEqual(["runtime", ...codes.map(([name]) => camel(name))]);
    expect(ERROR_KINDS.length).toBeLessThanOrEqual(KINDS);
  });
});

describe("structs lie in memory as C has them", () => {
  test.each([
    ["resty_ffi_call", CALL],
    ["resty_ffi_options", OPTIONS],
    ["resty_ffi_stats", STATS],
    ["resty_ffi_method_stats", METHOD_STATS],
  ])("%s", (name, { size, at }) => {
    expect(size).toBe(structOf(name).size);
    expect(at).toEqual(offsetsOf(name));
  });

  test("each number of resty_ffi_stats is read as wide as it is", () => {
    expect(decodeStats(filled("resty_ffi_stats"))).toEqual({
      calls: 1,
      answered: 2,
      failed: 3,
      timedOut: 4,
      cancelled: 5,
      late: 6,
      queueFull: 7,
      restarts: 8,
      reloads: 9,
      streams: 10,
      bytesIn: 11,
      bytesOut: 12,
      inFlight: 13,
      workers: 14,
      queued: 15,
      transport: "process",
      up: true,
    });
  });

  test("each number of resty_ffi_method_stats too", () => {
    const { errors, histogram, took, ...counts } = decodeMethodStats(filled("resty_ffi_method_stats"));
    expect(counts).toEqual({ calls: 1, answered: 2, bytesIn: 3, bytesOut: 4, inFlight: 6 + KINDS + BUCKETS });
    expect(Object.values(errors)).toEqual(ERROR_KINDS.map((_, index) => 5 + index));
    expect(histogram.map(({ calls }) => calls)).toEqual(histogram.map((_, index) => 5 + KINDS + index));
    expect(took).toBe((5 + KINDS + BUCKETS) / 1000);
  });
});
