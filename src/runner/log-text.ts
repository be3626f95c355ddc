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
 * Text of others, for a line of the log: on one line, without characters that reverse, hide or colour what is beside it, and
 * without a command to the runner.
 */
export function oneLine(text: string): string {
  return withoutCommands(singleLine(text));
}

/**
 * Text of others, for an annotation, which may have several lines: without characters that reverse or hide what is beside it.
 */
export function annotationText(text: string): string {
  return text.split('\n').map(singleLine).join('\n');
}

const esc = String.fromCodePoint(0x1b);
/** A colour as `createPaint` writes it, which is kept, or an invisible character. */
const colourOrInvisible = new RegExp(`(${esc}\\[[\\d;]*m)|[\\p{Cc}\\p{Cf}]`, 'gu');

/**
 * A line of the log, with its colours, without other invisible characters, and never read as a command by the runner: the
 * runner takes lines that begin with `::` (after any white space) and `##[` anywhere as commands.
 * (https://github.com/actions/runner, ActionCommand.cs)
 */
export function withoutCommands(line: string): string {
  return line
    .replaceAll(/[\t\r\n\u2028\u2029]+/g, ' ')
    .replaceAll(colourOrInvisible, (_, colour = '') => colour)
    .replaceAll('##[', '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}
