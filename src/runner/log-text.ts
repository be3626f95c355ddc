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
 * What others wrote, as the text of an annotation, which may have several lines: nothing in them turns or hides what stands
 * beside it.
 */
export function annotationText(text: string): string {
  return text.split('\n').map(singleLine).join('\n');
}

const esc = String.fromCodePoint(0x1b);
/** A colour as `createPaint` writes it, which stays, or what is not seen. */
const colourOrInvisible = new RegExp(`(${esc}\\[[\\d;]*m)|[\\p{Cc}\\p{Cf}]`, 'gu');

/**
 * A line of the log, with its colours and without all else that is not seen, that the runner takes for no command: it does so with lines that begin with `::`, after
 * blanks of all kinds, and with `##[` anywhere. (https://github.com/actions/runner, ActionCommand.cs)
 */
export function withoutCommands(line: string): string {
  return line
    .replaceAll(/[\t\r\n\u2028\u2029]+/g, ' ')
    .replaceAll(colourOrInvisible, (_, colour = '') => colour)
    .replaceAll('##[', '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}
