import { singleLine } from '../core/text.ts';
import type { Redact } from './redact.ts';

/** Outputs that list things, a line each. */
export const listOutputs: ReadonlySet<string> = new Set(['tags', 'resources', 'pruned', 'stable', 'canary']);

/**
 * An output as it is set: on one line, whatever others wrote into it, as the next step may print it, and a line of its own
 * could be a command to the runner. Of a list, each line is.
 */
export function outputValue(name: string, value: string): string {
  return listOutputs.has(name) ? value.split('\n').map(singleLine).join('\n') : singleLine(value);
}

/** Hands the outputs to the runner. */
export function setOutputs(
  setOutput: (name: string, value: string) => void,
  outputs: Readonly<Record<string, string>>,
  redact: Redact,
): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, outputValue(name, redact(value)));
}
