import { styleText } from 'node:util';
import { formatDuration } from '../../canary/duration.ts';
import type { BuildEvent } from '../../images/build-push.ts';
import type { ProgressNote } from '../../images/progress.ts';

/** Where the log goes: `@actions/core`, or a terminal. */
interface BuildLogSink {
  info(line: string): void;
  warning(message: string): void;
  startGroup(title: string): void;
  endGroup(): void;
}

/** The live log: a group for each stage, a line for each step and each line that a step prints. */
export function createBuildLog(sink: BuildLogSink, colour: boolean) {
  const paint = (style: 'cyan' | 'green' | 'red' | 'dim', text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  let open = false;

  function close(): void {
    if (open) sink.endGroup();
    open = false;
  }

  function lineOf(note: ProgressNote): string {
    const took =
      'milliseconds' in note && note.milliseconds ? ` (${formatDuration(Math.round(note.milliseconds))})` : '';
    switch (note.kind) {
      case 'started':
        return paint('cyan', `▶ ${harmless(note.step)}`);
      case 'done':
        return paint('green', `✓ ${harmless(note.step)}${took}`);
      case 'cached':
        return paint('dim', `✓ ${harmless(note.step)} (from the cache)`);
      case 'failed':
        return paint('red', `✗ ${harmless(note.step)}: ${harmless(note.error)}`);
      case 'output':
        return `  ${paint('dim', '|')} ${harmless(note.line)}`;
      case 'text':
        return harmless(note.line);
    }
  }

  return {
    emit(event: BuildEvent): void {
      if (event.type === 'progress') {
        sink.info(lineOf(event.note));
      } else if (event.type === 'note') {
        sink.info(harmless(event.text));
      } else if (event.type === 'warning') {
        sink.warning(harmless(event.text));
      } else {
        close();
        sink.startGroup(harmless(event.text));
        open = true;
      }
    },
    close,
  };
}

/** What a build prints must not be a command to the runner: `::` at the start of a line, `##[` anywhere. */
function harmless(text: string): string {
  return text
    .replaceAll(/\s*[\r\n]+\s*/g, ' ')
    .replaceAll('##[', '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}
