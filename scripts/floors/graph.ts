/** The needs between names: each name with the names that it needs. */
export type Graph = Map<string, Set<string>>;

/** One circle, as the names on it and the first again; undefined = the graph has no circle. */
export function circle(graph: Graph): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string[] | undefined => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (done.has(name)) return undefined;
    path.push(name);
    for (const next of graph.get(name) ?? []) {
      const found = visit(next);
      if (found) return found;
    }
    path.pop();
    done.add(name);
    return undefined;
  };
  for (const name of graph.keys()) {
    const found = visit(name);
    if (found) return found;
  }
  return undefined;
}

/** The same without what follows from the rest: a needs c only by way of b. For graphs without circles. */
export function reduced(graph: Graph): Graph {
  const reach = new Map<string, Set<string>>();
  const reachable = (name: string): Set<string> => {
    const known = reach.get(name);
    if (known) return known;
    const all = new Set<string>();
    reach.set(name, all);
    for (const next of graph.get(name) ?? []) {
      all.add(next);
      for (const further of reachable(next)) all.add(further);
    }
    return all;
  };
  return new Map(
    [...graph].map(([name, next]) => [
      name,
      new Set([...next].filter((one) => ![...next].some((other) => other !== one && reachable(other).has(one)))),
    ]),
  );
}
