import { styleText } from 'node:util';
import { type DeployEvent, deployLines, type EventLine } from '../../deploy/events.ts';
import { diffOf } from '../../report/diff.ts';
import { clockTime } from '../../report/sentences.ts';
import { type LogOptions, type LogSink, oneLine } from '../log.ts';

type Style = Parameters<typeof styleText>[0];

const styles: Readonly<Record<EventLine['level'], Style | undefined>> = {
  info: undefined,
  good: 'green',
  warning: 'yellow',
  error: ['red', 'bold'],
};

/** The live log: what changes, a line each, and the diffs in groups. Times of day are UTC. */
export function createDeployLog(sink: LogSink, { colour }: LogOptions): (event: DeployEvent) => void {
  const paint = (style: Style | undefined, text: string) =>
    colour && style !== undefined ? styleText(style, text, { validateStream: false }) : text;

  function diffs({ objects }: Extract<DeployEvent, { type: 'planned' }>): void {
    for (const { write } of objects) {
      if (!write) continue;
      sink.startGroup(oneLine(`${write.action} ${write.object}`));
      for (const text of diffOf(write).split('\n')) {
        const style = text.startsWith('+') ? 'green' : text.startsWith('-') ? 'red' : undefined;
        sink.info(paint(style, oneLine(text)));
      }
      sink.endGroup();
    }
  }

  return (event) => {
    for (const { level, text } of deployLines(event)) {
      sink.info(`${paint('dim', clockTime(event.at))}  ${paint(styles[level], oneLine(text))}`);
    }
    if (event.type === 'planned') diffs(event);
  };
}
