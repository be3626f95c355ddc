import { isSluiceError, reasonOf, SluiceError } from '../core/errors.ts';
import type { WatchedCheck } from './check-watch.ts';

/** Failures that waiting does not change, or after which nothing is known of the server. */
const lasting = ['invalid-input', 'forbidden', 'unsupported', 'unreachable'] as const;

/**
 * Asks the sources of checks before anything depends on them. A series, a pod or a log that is not there yet may come later: that
 * is told by `warn`.
 *
 * @param warn receives one sentence at a time
 * @returns what the sources say, one sentence each
 * @throws SluiceError that names every check that can't work
 */
export async function askSources(
  checks: readonly WatchedCheck[],
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const problems: SluiceError[] = [];
  const said = await Promise.all(
    checks.map(async ({ name, source, reference }) => {
      try {
        const { evidence, warnings = [] } = await source.preflight(signal);
        if (reference && 'source' in reference) await reference.source.preflight(signal);
        for (const message of warnings) warn(`${name}: ${message}`);
        return [`${name}: ${evidence}`];
      } catch (error) {
        signal.throwIfAborted();
        if (!isSluiceError(error)) throw error;
        if (lasting.some((code) => error.code === code)) problems.push(error);
        else warn(`${name} has no data yet: ${reasonOf(error)}`);
        return [];
      }
    }),
  );
  const [first, ...others] = problems;
  if (!first) return said.flat();
  if (others.length === 0) throw first;
  throw new SluiceError(first.code, {
    about: 'checks',
    problem: `${problems.length} of them can not be asked: ${problems.map(reasonOf).join(' ')}`,
    next: problems.map(({ next }) => next).join(' '),
    cause: first,
  });
}
