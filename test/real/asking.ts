import { request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** What the text is in JSON; undefined where it is none. */
  readonly json: unknown;
}

/** Asks by GET, with the path and its parameters. */
export async function ask(
  address: string,
  path: string,
  parameters: Readonly<Record<string, string>> | [string, string][] = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const query = new URLSearchParams(parameters).toString();
  const answer = await request(`${address}${path}${query === '' ? '' : `?${query}`}`, {
    headers,
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, text, json: jsonOf(text) };
}

/** Objects of JSON, one a line. */
export function linesOf({ text }: Answer): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
