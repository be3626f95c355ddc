import { styleText } from 'node:util';

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
 * What others wrote must not start a line of its own: the runner takes lines that begin with `::`, and `##[` anywhere, as
 * commands.
 */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\s*[\r\n]+\s*/g, ' ')
    .replaceAll('##[', '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}
