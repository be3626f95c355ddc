import type { KubernetesClient } from '../cluster/client.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import { messageOf } from '../core/errors.ts';
import { excerpt, firstLine } from '../core/text.ts';

/** Milliseconds to read a container's log: the node may be the cause of the trouble. */
const LOG_PATIENCE = 5_000;
/** Lines of a log that are shown. */
export const LOG_LINES = 20;
/** Characters shown of one line, so that long lines cannot keep the release busy. */
const MOST_OF_LINE = 2_000;
interface LastLines {
  readonly lines: readonly string[];
  /** Why the log can't be read. */
  readonly problem?: string;
}

/** The last lines of a container. A failure to read them must not hide the reason why they are shown. */
export async function lastLines(
  client: Pick<KubernetesClient, 'log'>,
  pod: ObjectReference,
  { container, previous }: { readonly container: string; readonly previous: boolean },
  signal: AbortSignal,
): Promise<LastLines> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(LOG_PATIENCE)]);
  try {
    const text = await client.log(pod, { container, previous, lines: LOG_LINES }, patience);
    const lines = text.trimEnd().split('\n');
    return { lines: lines.filter((line) => line !== '').map((line) => excerpt(line, MOST_OF_LINE)) };
  } catch (error) {
    signal.throwIfAborted();
    return { lines: [], problem: firstLine(messageOf(error)) };
  }
}
