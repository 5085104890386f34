/** A value as a Lua expression. */
export function lua(value: unknown): string {
  if (value === null || value === undefined) return "nil";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string" || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value as string);
    return `"${[...bytes].map((b) => (b >= 32 && b < 127 && b !== 34 && b !== 92 ? String.fromCharCode(b) : `\\${String(b).padStart(3, "0")}`)).join("")}"`;
  }
  if (Array.isArray(value)) return `{${value.map(lua).join(",")}}`;
  const entries = Object.entries(value as object).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `[${lua(key)}]=${lua(item)}`).join(",")}}`;
}
