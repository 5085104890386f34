import { z } from "zod";

// As protobuf has it, every field may be left out. Unknown ones are refused.

export const HelloRequest = z.strictObject({ name: z.string().optional() });

export const Point = z.strictObject({ latitude: z.int32().optional(), longitude: z.int32().optional() });

export const Rectangle = z.strictObject({ lo: Point.optional(), hi: Point.optional() });

export const RouteNote = z.strictObject({ location: Point.optional(), message: z.string().optional() });

export const EchoRequest = z.strictObject({ message: z.string().optional() });
