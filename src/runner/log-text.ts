import { styleText } from 'node:util';
import { singleLine } from '../core/text.ts';

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

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style | undefined, text: string) => string;

export function createPaint({ colour }: LogOptions): Paint {
  return (style, text) => (colour && style !== undefined ? styleText(style, text, { validateStream: false }) : text);
}

/**
 * What others wrote, as a part of the log: on one line, with nothing that turns, hides or colours what stands beside it, and
 * with no command to the runner.
 */
export function oneLine(text: string): string {
  return withoutCommands(singleLine(text));
}

/**
 * A line of the log, with its colours, that the runner takes for no command: it does so with lines that begin with `::`, after
 * blanks of all kinds, and with `##[` anywhere. (https://github.com/actions/runner, ActionCommand.cs)
 */
export function withoutCommands(line: string): string {
  return line
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll('##[', '## [')
    .replace(/^([\s\u0085]*):(?=:)/, '$1: ');
}
