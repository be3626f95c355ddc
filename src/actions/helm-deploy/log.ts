import type { EmitHelm, HelmEvent } from '../../helm/events.ts';
import { adviceInOneLine } from '../../report/copyable.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import type { LogOptions, LogSink } from '../../runner/log-text.ts';

/** The live log: one line per event, and a group for each planned write. Times of day are UTC. */
export function createHelmLog(sink: LogSink, options: LogOptions): EmitHelm {
  const { line, diff, copy } = createLines(sink, options);

  function plan({ at, writes }: Extract<HelmEvent, { type: 'planned' }>): void {
    if (writes.length === 0) line(at, 'No object would change.');
    for (const write of writes) diff(`${write.action} ${write.object}`, write);
  }

  return (event) => {
    const { at } = event;
    switch (event.type) {
      case 'started':
        return line(at, `helm-deploy ${event.mode}: ${event.release}, by ${event.by}`);
      case 'note':
        return line(at, event.text, levelStyles[event.level]);
      case 'progress':
        return line(at, event.text, 'dim');
      case 'writing':
        return;
      case 'beside':
        return line(at, `Canary ${event.canary} beside stable ${event.stable}`);
      case 'chart':
        return line(at, `Chart ${event.digest}`);
      case 'found':
        return line(at, `The release is at revision ${event.revision}`);
      case 'planned':
        return plan(event);
      case 'ended':
        return line(
          at,
          event.verdict === undefined ? event.reason : `${event.verdict}: ${event.reason}`,
          event.verdict === 'failed' ? levelStyles.error : 'bold',
        );
      case 'failed':
        line(at, `${event.about}: ${event.problem} ${adviceInOneLine(event.next)}`, levelStyles.error);
        return copy(event.next);
    }
  };
}
