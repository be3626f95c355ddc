import { request } from 'undici';
import { LabError } from '../programs/commands.ts';

interface Message {
  readonly method?: 'POST' | 'PUT';
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends something to a server; without a message, asks it by GET. Gives the text of its answer. Throws a LabError where it refuses. */
export async function send(address: string, path: string, message?: Message): Promise<string> {
  const { statusCode, body } = await request(address + path, {
    ...(message && {
      method: message.method ?? 'POST',
      headers: { ...message.headers, 'content-type': message.type },
      body: message.body,
    }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await body.text();
  if (statusCode >= 300) throw new LabError(`${address}${path} answered HTTP ${statusCode}: ${text.slice(0, 500)}`);
  return text;
}

export function sendJson(
  address: string,
  path: string,
  content: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return send(address, path, { type: 'application/json', body: JSON.stringify(content), headers });
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The header of HTTP Basic. */
export function basic({ username, password }: Login): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
