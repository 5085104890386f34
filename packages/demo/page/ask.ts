/** The answer of our server; throws what it says is wrong. */
export async function ask(path: string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(path, init);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer;
}

/** `fetch` throws a TypeError when nobody answers. */
export function explain(error: unknown): string {
  if (error instanceof TypeError) return "The server does not answer. Is npm start still running?";
  return (error as Error).message;
}
