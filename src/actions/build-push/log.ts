import { formatDuration } from '../../core/duration.ts';
import type { BuildEvent } from '../../images/build-push.ts';
import type { ProgressNote } from '../../images/progress.ts';
import { createPaint, type LogSink, oneLine } from '../../runner/log-text.ts';

/** The log, and warnings that are visible without opening it. */
interface BuildLogSink extends LogSink {
  warning(message: string): void;
}

/** The live log: a group for each stage, and a line for each step and for each line of a step's output. */
export function createBuildLog(sink: BuildLogSink, colour: boolean) {
  const paint = createPaint({ colour });
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
        return paint('cyan', `▶ ${oneLine(note.step)}`);
      case 'done':
        return paint('green', `✓ ${oneLine(note.step)}${took}`);
      case 'cached':
        return paint('dim', `✓ ${oneLine(note.step)} (from the cache)`);
      case 'failed':
        return paint('red', `✗ ${oneLine(note.step)}: ${oneLine(note.error)}`);
      case 'output':
        return `  ${paint('dim', '|')} ${oneLine(note.line)}`;
      case 'text':
        return oneLine(note.line);
    }
  }

  return {
    emit(event: BuildEvent): void {
      if (event.type === 'progress') {
        sink.info(lineOf(event.note));
      } else if (event.type === 'note') {
        sink.info(oneLine(event.text));
      } else if (event.type === 'warning') {
        sink.warning(oneLine(event.text));
      } else {
        close();
        sink.startGroup(oneLine(event.text));
        open = true;
      }
    },
    close,
  };
}
