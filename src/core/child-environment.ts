type Environment = Readonly<Record<string, string | undefined>>;

/** The tokens by which the runner lets a job act, each by what a program may need it for. */
const tokens = {
  /** To ask GitHub for an OIDC token: keyless signatures, logins to clouds. */
  identity: ['ACTIONS_ID_TOKEN_REQUEST_TOKEN'],
  /** To read and write the cache of the workflow. */
  cache: ['ACTIONS_RUNTIME_TOKEN'],
  /** To ask GitHub itself, in the names that its own programs know. */
  github: ['GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_ENTERPRISE_TOKEN', 'GH_ENTERPRISE_TOKEN'],
} as const;

/** What a program may be given of the job's tokens. */
export type JobToken = keyof typeof tokens;

/** The tokens that the environment of a job holds. */
export function jobTokens(env: Environment): string[] {
  return Object.values(tokens)
    .flat()
    .flatMap((name) => env[name] ?? []);
}

/** The inputs of an action and the state between its steps are its own: passwords and kubeconfigs stand in them. */
const ofTheAction = /^(?:INPUT|STATE)_/i;

/**
 * The environment of a program that is started: that of this process without the action's own inputs and state, and without the
 * tokens of the job that it does not need.
 *
 * @param added to it; what is added is not looked at
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
