import { oneLine } from './log-text.ts';
import type { Redact } from './redact.ts';

/** Outputs that list things, a line each, and the plan, which may be written on several lines. All others are one line. */
export const listOutputs: ReadonlySet<string> = new Set(['tags', 'resources', 'pruned', 'stable', 'canary', 'steps']);

/**
 * An output as it is set: on one line, whatever others wrote into it, and no command to the runner where the next step prints it.
 * Of a list, each line is.
 */
export function outputValue(name: string, value: string): string {
  return listOutputs.has(name) ? value.split('\n').map(oneLine).join('\n') : oneLine(value);
}

/** Hands the outputs to the runner. */
export function setOutputs(
  setOutput: (name: string, value: string) => void,
  outputs: Readonly<Record<string, string>>,
  redact: Redact,
): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, outputValue(name, redact(value)));
}
