import { oneLine } from './log-text.ts';
import type { Redact } from './redact.ts';

/** Outputs that are lists, one item per line, and the plan, which may have several lines. All others are one line. */
export const listOutputs: ReadonlySet<string> = new Set(['tags', 'resources', 'pruned', 'stable', 'canary', 'steps']);

/**
 * The value of an output: on one line, whatever text of others it contains, and no command to the runner if the next step
 * prints it. For a list, this holds for each line.
 */
export function outputValue(name: string, value: string): string {
  return listOutputs.has(name) ? value.split('\n').map(oneLine).join('\n') : oneLine(value);
}

export function setOutputs(
  setOutput: (name: string, value: string) => void,
  outputs: Readonly<Record<string, string>>,
  redact: Redact,
): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, outputValue(name, redact(value)));
}
