import { constantOf, enumOf, structOf } from "@resty-ffi/scripts/contract";
import { expect, test } from "vitest";
import { BATCH, DictOp, Flag, FRAME_BYTES, Frames, Kind, LEAST_COST, MAX_PAYLOAD } from "../src/loader/frames.js";
import { levels } from "../src/log.js";

test("kinds, flags and operations are those of resty_ffi.h, all of them", () => {
  expect(Kind).toEqual(enumOf("resty_ffi_kind", "RESTY_FFI_"));
  expect(Flag).toEqual(enumOf("resty_ffi_flag", "RESTY_FFI_"));
  expect(DictOp).toEqual(enumOf("resty_ffi_dict_op", "RESTY_FFI_DICT_"));
});

test("bounds are those of resty_ffi.h", () => {
  expect(MAX_PAYLOAD).toBe(constantOf("RESTY_FFI_MAX_PAYLOAD"));
  expect(LEAST_COST).toBe(constantOf("RESTY_FFI_LEAST_COST"));
});

test("a runtime can log at each of the host's levels, except those of the host's own end", () => {
  const { EMERG: _, ALERT: __, ERR: error, ...rest } = enumOf("resty_ffi_level", "RESTY_FFI_LOG_");
  const named = Object.fromEntries(Object.entries(rest).map(([name, level]) => [name.toLowerCase(), level]));
  expect(levels).toEqual({ ...named, error });
});

const { size, fields } = structOf("resty_ffi_frame");
/** The second frame of a batch: the first one would forgive a wrong size. */
const SECOND = 1;
/** A value for each field, none of them like another; a status below 0, as 32 bits without a sign. */
const VALUES = {
  id: 0x1122334455667788n,
  kind: BigInt(Kind.DATA),
  flags: BigInt(Flag.END | Flag.COPY),
  status: 0xfffffff6n,
  data: 0x7f0011223340n,
  len: 0x123456789n,
  deadline: 0x1dcd65000n,
  method: 0x2bn,
  zone: 0x1cn,
  arg: 0x100000005n,
  release: 0x7e0099887780n,
};

test("a batch holds its frames one after the other", () => {
  expect(FRAME_BYTES).toBe(size);
  expect(new Frames().bytes.length).toBe(BATCH * size);
});

test("what is written of a frame lies where C reads it, each field", () => {
  const frames = new Frames();
  const { id, kind, flags, release, data, len, method, zone, arg, deadline } = VALUES;
  frames.set(SECOND, id, Number(kind), Number(flags), -10, release);
  frames.setPayload(SECOND, Number(data), Number(len));
  frames.setDict(SECOND, Number(method), Number(zone), Number(arg), Number(deadline));
  const found = Object.entries(fields).map(([name, { offset, size: width }]) => {
    const at = SECOND * size + offset;
    const bytes = frames.bytes.subarray(at, at + width);
    return [name, BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`)];
  });
  expect(Object.fromEntries(found)).toEqual(VALUES);
});

test("what C writes of a frame is read where it lies", () => {
  const frames = new Frames();
  for (const [name, { offset, size: width }] of Object.entries(fields)) {
    const hex = VALUES[name as keyof typeof VALUES].toString(16).padStart(2 * width, "0");
    frames.bytes.set(Buffer.from(hex, "hex").reverse(), SECOND * size + offset);
  }
  expect({
    id: frames.id(SECOND),
    kind: BigInt(frames.kind(SECOND)),
    flags: BigInt(frames.flags(SECOND)),
    status: frames.status(SECOND),
    payload: frames.payload(SECOND),
    address: BigInt(frames.address(SECOND)),
    length: BigInt(frames.length(SECOND)),
    deadline: BigInt(frames.deadline(SECOND)),
    method: BigInt(frames.method(SECOND)),
    arg: BigInt(frames.arg(SECOND)),
  }).toEqual({
    id: VALUES.id,
    kind: VALUES.kind,
    flags: VALUES.flags,
    status: -10,
    payload: VALUES.data,
    address: VALUES.data,
    length: VALUES.len,
    deadline: VALUES.deadline,
    method: VALUES.method,
    arg: VALUES.arg,
  });
});
