import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logDir } from '../../../lab/cluster/layout.ts';
import { load, type Sent } from '../../../lab/cluster/load.ts';
import type { Ended, Run } from '../../../lab/embedded/runner.ts';
import { lastLines } from '../../../lab/programs/commands.ts';
import { messageOf } from '../../../src/core/errors.ts';

/** What a client of the shop saw during a release. */
export interface Seen {
  readonly ended: Ended;
  readonly sent: readonly Sent[];
  /** Milliseconds since the epoch at which the release's last process had ended. */
  readonly endedAt: number;
}

interface Traffic {
  /** The Host header, which chooses the shop. */
  readonly host: string;
  /** Requests per second. */
  readonly rate?: number;
}

/** Milliseconds of requests after the end of a release: longer than a request may be under way. */
const AFTER = 1_500;

/** What runs: an action, or a whole workflow. */
type Release = Pick<Run, 'ended' | 'printed' | 'kill' | 'clean'>;

/**
 * Requests over kept-alive connections from before the release's start until a while after its end.
 *
 * @param meanwhile gives back the run whose end counts, if that is not the one that was started
 */
export async function underLoad<R extends Release>(
  { host, rate = 100 }: Traffic,
  release: () => Promise<R>,
  meanwhile: (run: R) => Promise<R | undefined> = async () => undefined,
): Promise<Seen> {
  const stop = new AbortController();
  const sending = load({ host, rate, duration: 3_600_000, signal: stop.signal });
  const runs: R[] = [];
  try {
    const first = await release();
    runs.push(first);
    const next = await meanwhile(first);
    if (next && next !== first) runs.push(next);
    const ended = await (next ?? first).ended;
    const endedAt = Date.now();
    await sleep(AFTER);
    stop.abort();
    return { ended, sent: await sending, endedAt };
  } catch (error) {
    throw new Error(`${messageOf(error)}. The release said last:\n${runs.map(lastWords).join('\n')}`, { cause: error });
  } finally {
    stop.abort();
    await sending;
    for (const run of runs) {
      run.kill();
      await run.ended;
      await run.clean();
    }
  }
}

/** The last lines, without those that tell the runner what it is to mask. */
function lastWords(run: Release): string {
  const lines = run.printed().split('\n');
  return lastLines(lines.filter((line) => !line.startsWith('::add-mask')).join('\n'), 5);
}

/** What matters of the log of requests. */
export function figures({ sent, ended, endedAt }: Seen) {
  const canary = sent.filter(({ version }) => version === 'v2');
  const began = Math.min(...canary.map(({ at }) => at));
  const last = Math.max(...canary.map(({ at }) => at));
  return {
    requests: sent.length,
    /** Requests that the new version answered, and what of it was an error. */
    canary: canary.length,
    canaryBad: canary.filter(({ status }) => status >= 500).length,
    /** Seconds from the first request that the new version answered to the last one. */
    seconds: canary.length === 0 ? 0 : (last - began) / 1_000,
    /** Requests without an answer, or with one that no version has given. */
    lost: sent.filter(isLost).length,
    /** The versions that answered the requests sent after the end. */
    after: [...new Set(sent.filter(({ at }) => at > endedAt).map(({ version }) => version))],
    verdict: ended.outputs.verdict,
    reason: ended.outputs.reason,
  };
}

export function isLost({ version }: Sent): boolean {
  return version !== 'v1' && version !== 'v2';
}

/** Keeps what was seen for people to read, and says what matters of it in a line. */
export async function keep(name: string, seen: Seen) {
  const dir = join(logDir, 'releases');
  await mkdir(dir, { recursive: true });
  const file = join(dir, name.replaceAll(/\W+/g, '-'));
  await writeFile(`${file}.log`, seen.ended.log);
  await writeFile(`${file}.requests.jsonl`, seen.sent.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const what = figures(seen);
  process.stdout.write(`${name}: ${JSON.stringify(what)}\n`);
  return { ...what, log: `${file}.log` };
}
