import { enumOf } from "@resty-ffi/scripts/contract";
import { expect, test } from "vitest";
import { Status } from "../src/error.ts";

test("the codes are those of resty_ffi.h, all of them", () => {
  const { OK, ...codes } = enumOf("resty_ffi_status", "RESTY_FFI_");
  expect(OK).toBe(0);
  expect(Status).toEqual(codes);
});
