import { styleText } from 'node:util';
import type { PlannedWrite } from '../canary/ports.ts';
import { diffOf } from '../report/diff.ts';
import { clockTime, type Sentence } from '../report/sentences.ts';

/** Where a log goes: `@actions/core`, or a terminal. */
export interface LogSink {
  info(line: string): void;
  startGroup(title: string): void;
  endGroup(): void;
}

export interface LogOptions {
  /** ANSI colours, which GitHub's log shows. */
  readonly colour: boolean;
}

type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style | undefined, text: string) => string;

export const levelStyles: Readonly<Record<Sentence['level'], Style | undefined>> = {
  info: undefined,
  good: 'green',
  warning: 'yellow',
  error: ['red', 'bold'],
};

/** What the live logs of all actions are made of. Times of day are UTC. */
export function createLines(sink: LogSink, { colour }: LogOptions) {
  const paint: Paint = (style, text) =>
    colour && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
  return {
    paint,
    /** What happened, and when. */
    line(at: number, text: string, style?: Style): void {
      sink.info(`${paint('dim', clockTime(at))}  ${paint(style, oneLine(text))}`);
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

/**
 * What others wrote must not start a line of its own: the runner takes lines that begin with `::`, and `##[` anywhere, as
 * commands.
 */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\s*[\r\n]+\s*/g, ' ')
    .replaceAll('##[', '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}
