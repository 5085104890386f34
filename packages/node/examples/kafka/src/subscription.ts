import { z } from "zod";

/** The first message of a consumer's stream. */
export const Subscription = z.strictObject({
  group: z.string().min(1),
  topics: z.array(z.string().min(1)).min(1),
  from: z.enum(["earliest", "latest"]).default("earliest"),
});
export type Subscription = z.infer<typeof Subscription>;
