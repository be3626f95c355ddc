import type { Invocation } from './invocation.ts';

export interface PullOptions {
  /** Where the archive goes. */
  readonly folder: string;
  readonly version: string | undefined;
  /** The registry has no TLS. */
  readonly plainHttp: boolean;
}

function plain(plainHttp: boolean): string[] {
  return plainHttp ? ['--plain-http'] : [];
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

function loginOf(login: Login | undefined): { flags: string[]; input: { input?: string } } {
  if (!login) return { flags: [], input: {} };
  return { flags: ['--username', login.username, '--password-stdin'], input: { input: login.password } };
}

/** Commands of the Helm CLI that make a chart available. */
export function createChartCommands(helm: Invocation['helm']) {
  return {
    /** Fetches a chart's archive into a folder; returns what Helm prints, which includes the digest for a registry. */
    pull(reference: string, { folder, version: wanted, plainHttp }: PullOptions, signal: AbortSignal): Promise<string> {
      const versionFlag = wanted === undefined ? [] : ['--version', wanted];
      return helm(['pull', reference, '--destination', folder, ...versionFlag, ...plain(plainHttp)], signal);
    },

    /** Adds a repository to Helm; the password is never on a command line. */
    async addRepository(name: string, url: string, login: Login | undefined, signal: AbortSignal): Promise<void> {
      const { flags: loginFlags, input } = loginOf(login);
      await helm(['repo', 'add', name, url, ...loginFlags], signal, input);
    },

    async login(registry: string, login: Login, plainHttp: boolean, signal: AbortSignal): Promise<void> {
      const { flags: loginFlags, input } = loginOf(login);
      await helm(['registry', 'login', registry, ...loginFlags, ...plain(plainHttp)], signal, input);
    },
  };
}
