type Environment = Readonly<Record<string, string | undefined>>;

/** The runner's tokens in the job's environment, by their purpose. */
const tokens = {
  /** For OIDC tokens from GitHub: keyless signatures, cloud logins. */
  identity: ['ACTIONS_ID_TOKEN_REQUEST_TOKEN'],
  /** For reading and writing the workflow's cache. */
  cache: ['ACTIONS_RUNTIME_TOKEN'],
  /** For GitHub's API, in the names that GitHub's own programs read. */
  github: ['GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_ENTERPRISE_TOKEN', 'GH_ENTERPRISE_TOKEN'],
} as const;

/** A kind of token that a program may be given. */
export type JobToken = keyof typeof tokens;

/** The tokens in the environment of a job. */
export function jobTokens(env: Environment): string[] {
  return Object.values(tokens)
    .flat()
    .flatMap((name) => env[name] ?? []);
}

/** The action's inputs and state hold passwords and kubeconfigs, so programs do not get them. */
const ofTheAction = /^(?:INPUT|STATE)_/i;

/**
 * The environment for a program: that of this process without the action's inputs and state, and without the job's tokens that
 * the program does not need.
 *
 * @param added variables to add, unfiltered
 */
export function childEnvironment(
  env: Environment,
  granted: readonly JobToken[],
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = new Set<string>(granted.flatMap((token) => tokens[token]));
  const withheld = new Set<string>(Object.values(tokens).flat());
  const entries = Object.entries(env).flatMap(([name, value]) => {
    const isWithheld = ofTheAction.test(name) || (withheld.has(name) && !kept.has(name));
    return value === undefined || isWithheld ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(entries), ...added };
}
