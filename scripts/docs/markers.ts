/**
 * Replaces the text between `<!-- kind: name -->` (or `<!-- kind -->`) and `<!-- /kind -->` in a page by the result of
 * `render` for that name.
 */
export function fill(page: string, kind: string, render: (name: string) => string): string {
  const found = new RegExp(`(<!-- ${kind}(?:: (\\w+))? -->\\n)([^]*?)(<!-- /${kind} -->)`, "g");
  const filled = page.replace(found, (_, begin: string, name: string | undefined, __, end: string) => {
    return `${begin}\n${render(name ?? "")}\n\n${end}`;
  });
  const marks = (text: string) => text.split(`<!-- ${kind}`).length - 1;
  const ends = page.split(`<!-- /${kind} -->`).length - 1;
  const pairs = [...page.matchAll(found)];
  if (pairs.length !== marks(page) || pairs.length !== ends || pairs.some(([, , , text]) => marks(text ?? "") > 0)) {
    throw new Error(`a <!-- ${kind} --> without its <!-- /${kind} -->, or the other way round`);
  }
  return filled;
}
