import type { PlannedWrite } from '../core/planned-write.ts';
import { adviceOf } from '../report/copyable.ts';
import { diffOf } from '../report/diff.ts';
import { clockTime, type Sentence } from '../report/sentences.ts';
import { createPaint, type LogOptions, type LogSink, oneLine, type Style } from './log-text.ts';

export const levelStyles: Readonly<Record<Sentence['level'], Style | undefined>> = {
  info: undefined,
  good: 'green',
  warning: 'yellow',
  error: ['red', 'bold'],
};

/** Functions that write the live logs of all releases. Times of day are UTC. */
export function createLines(sink: LogSink, options: LogOptions) {
  const paint = createPaint(options);
  return {
    paint,
    /** A line with the time and what happened. */
    line(at: number, text: string, style?: Style): void {
      sink.info(`${paint('dim', clockTime(at))}  ${paint(style, oneLine(text))}`);
    },
    /** Writes a text that users copy: each of its lines as a line of the log, without a time. */
    copy(next: string): void {
      const { copy } = adviceOf(next);
      for (const one of copy === '' ? [] : copy.split('\n')) sink.info(oneLine(one));
    },
    /** A group with the diff of one object. */
    diff(title: string, write: PlannedWrite): void {
      sink.startGroup(oneLine(title));
      for (const text of diffOf(write).split('\n')) {
        const style = text.startsWith('+') ? 'green' : text.startsWith('-') ? 'red' : undefined;
        sink.info(paint(style, oneLine(text)));
      }
      sink.endGroup();
    },
  };
}
