/* What a C header of this project declares: the names only. It throws where it does not understand a declaration. */

const COMMENTS = /\/\*[\s\S]*?\*\/|\/\/.*/g;

/** The macros that stand for a value. */
export function macrosOf(header: string): string[] {
  const text = header.replace(COMMENTS, "");
  return [...text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(RESTY_FFI_\w+)[ \t]+\S/gm)].map(([, name]) => name as string);
}

export interface Enum {
  name: string;
  enumerators: string[];
}

export function enumsOf(header: string): Enum[] {
  const text = header.replace(COMMENTS, "");
  return [...text.matchAll(/\benum\s+(\w+)\s*\{([^}]*)\}/g)].map(([, name, body]) => ({
    name: name as string,
    enumerators: (body as string)
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry)
      .map(enumeratorOf),
  }));
}

function enumeratorOf(entry: string): string {
  const [, name] = /^(\w+)(\s*=\s*[-\w]+)?$/.exec(entry) ?? [];
  if (!name) throw new Error(`an enumerator that is not understood: ${entry}`);
  return name;
}

export interface Struct {
  name: string;
  fields: string[];
}

/** The structs that have a body, with their fields in order. */
export function structsOf(header: string): Struct[] {
  const text = header.replace(COMMENTS, "");
  return [...text.matchAll(/\bstruct\s+(\w+)\s*\{([^}]*)\}/g)].map(([, name, body]) => ({
    name: name as string,
    fields: (body as string)
      .split(";")
      .map((declaration) => declaration.trim())
      .filter((declaration) => declaration)
      .flatMap(fieldsOf),
  }));
}

/** One declaration: `uint32_t a, b[2]`, `const char *key, *value` or `void (*done)(void *host)`. */
function fieldsOf(declaration: string): string[] {
  const pointer = /\(\s*\*\s*(\w+)\s*\)\s*\(/.exec(declaration);
  if (pointer) return [pointer[1] as string];
  return declaration.split(",").map((declarator) => {
    const [, name] = /(\w+)\s*(\[[^\]]*\])?$/.exec(declarator.trim()) ?? [];
    if (!name) throw new Error(`a field that is not understood: ${declaration}`);
    return name;
  });
}
