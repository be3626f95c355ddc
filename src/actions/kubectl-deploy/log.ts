import { type DeployEvent, deployLines } from '../../apply/events.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import type { LogOptions, LogSink } from '../../runner/log-text.ts';

/** The live log: one line per change, and the diffs in groups. Times of day are UTC. */
export function createDeployLog(sink: LogSink, options: LogOptions): (event: DeployEvent) => void {
  const { line, diff } = createLines(sink, options);
  return (event) => {
    for (const { level, text } of deployLines(event)) line(event.at, text, levelStyles[level]);
    if (event.type !== 'planned') return;
    for (const { write } of event.objects) {
      if (write) diff(`${write.action} ${write.object}`, write);
    }
  };
}
