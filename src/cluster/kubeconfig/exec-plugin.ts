import * as z from 'zod';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { tryParseJson } from '../../core/json.ts';
import { run } from '../../core/process.ts';
import { excerpt } from '../../core/text.ts';
import type { Login } from './login.ts';

/** How a plugin is run. */
export interface ExecPlugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The kubeconfig's advice for when the plugin is not installed. */
  readonly installHint: string | undefined;
}

/** What a plugin prints: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/#ExecCredential */
const execCredential = z.looseObject({
  status: z.looseObject({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});
type Status = z.infer<typeof execCredential>['status'];

/** The most milliseconds for a plugin, which may have to ask other services. */
const DEADLINE = 60_000;

/**
 * Credentials of an exec plugin, which runs again when they have expired. The library's own way to run plugins would hand them
 * the whole environment, with the inputs of the action.
 */
export function createExecLogin(plugin: ExecPlugin): Login {
  let known: Status | undefined;
  return async (options) => {
    if (!known || hasExpired(known)) known = await ask(plugin);
    const { clientCertificateData: cert, clientKeyData: key, token } = known;
    if (cert) options.cert = cert;
    if (key) options.key = key;
    if (token) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
  };
}

function hasExpired({ expirationTimestamp }: Status): boolean {
  return expirationTimestamp !== undefined && !(Date.parse(expirationTimestamp) > Date.now());
}

/** @throws SluiceError that quotes nothing of the plugin's output */
async function ask({ command, args, env, installHint }: ExecPlugin): Promise<Status> {
  const failed = (problem: string, next = 'Check the exec plugin of the kubeconfig, and log in in an earlier step.') =>
    new SluiceError('forbidden', { about: 'exec plugin', problem, next });
  const never = new AbortController().signal;
  const program = { file: command, args, env, tokens: ['identity', 'github'] as const };
  const ended = await run(program, { signal: never, deadline: DEADLINE }).catch((error: unknown) => {
    if (isSluiceError(error, 'not-found'))
      throw failed(`${command} is not installed on this runner`, hint(installHint));
    throw error;
  });
  if (ended.exitCode !== 0) {
    const [said = ''] = ended.stderr.trim().split('\n');
    throw failed(said === '' ? `${command} ended with exit status ${ended.exitCode}` : excerpt(said, 300));
  }
  const answer = execCredential.safeParse(tryParseJson(ended.stdout));
  // An unreadable answer is not quoted, as it may be a token.
  if (!answer.success) throw failed('the exec plugin printed no ExecCredential');
  return answer.data.status;
}

function hint(installHint: string | undefined): string {
  return `Install the exec plugin of the kubeconfig in an earlier step${installHint ? `: ${excerpt(installHint, 300)}` : '.'}`;
}
