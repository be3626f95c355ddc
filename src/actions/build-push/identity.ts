import { EnvHttpProxyAgent } from 'undici';
import * as z from 'zod';
import { send } from '../../core/http.ts';
import { parseJson } from '../../core/json.ts';
import type { Identity } from '../../images/sign.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const tokenAnswer = z.object({ value: z.string() });
const claims = z.object({ iss: z.string(), job_workflow_ref: z.string() });

/** Milliseconds. */
const DEADLINE = 20_000;

/**
 * The identity in the certificate of a signature without a key: the workflow file of this job, which differs from that of the
 * run if the workflow is a reusable one. Undefined where the job has no `id-token: write`.
 * https://docs.github.com/en/actions/reference/security/oidc
 *
 * @param mask is called with the token
 */
export async function workflowIdentity(
  env: Environment,
  mask: (secret: string) => void,
  signal: AbortSignal,
): Promise<Identity | undefined> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
  if (!url || !token) return undefined;
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const address = new URL(url);
    address.searchParams.set('audience', 'sigstore');
    const { status, body } = await send(
      { method: 'GET', url: address.href },
      {
        server: 'GitHub’s token service',
        next: 'Run again.',
        attemptTimeout: DEADLINE / 2,
        deadline: DEADLINE,
        signal,
        authorize: async () => ({ headers: { authorization: `Bearer ${token}` }, dispatcher }),
      },
    );
    if (status !== 200) return undefined;
    const { value } = tokenAnswer.parse(parseJson(body));
    mask(value);
    return identityOf(value, env.GITHUB_SERVER_URL);
  } catch {
    signal.throwIfAborted();
    // Without an identity nothing can be proven, and everything is built.
    return undefined;
  } finally {
    await dispatcher.close();
  }
}

/** Reads the claims of a token without verifying it: they are trusted only from the certificate of a signature. */
export function identityOf(token: string, server = 'https://github.com'): Identity | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  try {
    const { iss: issuer, job_workflow_ref: workflow } = claims.parse(parseJson(payload));
    return { issuer, subject: `${server}/${workflow}` };
  } catch {
    // A token of another kind.
    return undefined;
  }
}
