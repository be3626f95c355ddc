import { styleText } from 'node:util';
import type { EmitHelm, HelmEvent } from '../../helm/events.ts';
import { diffOf } from '../../report/diff.ts';
import { clockTime } from '../../report/sentences.ts';
import { type LogOptions, type LogSink, oneLine } from '../log.ts';

type Style = Parameters<typeof styleText>[0];

/** The live log: one line an event, what would be written in groups. Times of day are UTC. */
export function createHelmLog(sink: LogSink, { colour }: LogOptions): EmitHelm {
  const paint = (style: Style | undefined, text: string) =>
    colour && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
  const line = (at: number, text: string, style?: Style) =>
    sink.info(`${paint('dim', clockTime(at))}  ${paint(style, oneLine(text))}`);

  function plan({ at, writes }: Extract<HelmEvent, { type: 'planned' }>): void {
    if (writes.length === 0) line(at, 'No object would change.');
    for (const write of writes) {
      sink.startGroup(`${write.action} ${write.object}`);
      for (const text of diffOf(write).split('\n')) {
        const style = text.startsWith('+') ? 'green' : text.startsWith('-') ? 'red' : undefined;
        sink.info(paint(style, oneLine(text)));
      }
      sink.endGroup();
    }
  }

  return (event) => {
    const { at } = event;
    switch (event.type) {
      case 'started':
        return line(at, `helm-deploy ${event.mode}: ${event.release}, by ${event.by}`);
      case 'note':
        return line(
          at,
          event.text,
          { info: undefined, good: 'green' as const, warning: 'yellow' as const }[event.level],
        );
      case 'progress':
        return line(at, event.text, 'dim');
      case 'writing':
        return;
      case 'chart':
        return line(at, `Chart ${event.digest}`);
      case 'found':
        return line(at, `The release is at revision ${event.revision}`);
      case 'planned':
        return plan(event);
      case 'ended':
        return line(at, `${event.verdict}: ${event.reason}`, event.verdict === 'failed' ? ['red', 'bold'] : 'bold');
      case 'failed':
        return line(at, `${event.about}: ${event.problem} ${event.next}`, ['red', 'bold']);
    }
  };
}
