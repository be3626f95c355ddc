import { formatDuration, parseDuration } from '../../core/duration.ts';
import { nearest } from '../../core/nearest.ts';
import { excerpt } from '../../core/text.ts';
import { inputType, listed, wrong } from '../../runner/input-types.ts';
import type { FaultKind } from './kinds/fault-kind.ts';
import { faultKinds } from './kinds/fault-kinds.ts';
import { readShortForm, type ShortForm, wrongLine } from './kinds/short-form.ts';

/** One fault of the input `faults`. */
export interface WrittenFault {
  readonly form: ShortForm;
  readonly kind: FaultKind;
  /** Milliseconds to wait before it, once users have recovered from the one before. */
  readonly pause: number;
}

/** The most faults, and the longest line of one, in characters. */
const [MOST, LONGEST] = [50, 1_000];

/** Faults in their short form, a line each, with `pause DURATION` between them. */
export const faultsInput = inputType('faults in their short form, a line each', (given): readonly WrittenFault[] => {
  const faults: WrittenFault[] = [];
  let pause = 0;
  const lines = given.split('\n').map((line) => line.trim().replace(/^- +/, ''));
  for (const line of lines.filter((one) => one !== '' && !one.startsWith('#'))) {
    if (/^pause(?:\s|$)/.test(line)) {
      pause += parseDuration(line.slice('pause'.length).trim()) || wrongLine(line, 'has no duration', 'pause 30s');
      continue;
    }
    if (faults.length >= MOST) wrong(`has more than ${MOST} faults.`);
    if (line.length > LONGEST)
      wrong(`"${excerpt(line, 60)}" has more than ${LONGEST.toLocaleString('en')} characters.`);
    const form = readShortForm(line, kindNamed);
    const kind = kindNamed(form.kind);
    const problem = kind.problem(form);
    if (problem !== undefined) wrongLine(line, problem, kind.example);
    faults.push({ form, kind, pause });
    pause = 0;
  }
  if (faults.length === 0) wrong('names no fault.');
  if (pause > 0) wrong(`ends with a pause of ${formatDuration(pause)}, after which nothing comes.`);
  return faults;
});

function kindNamed(name: string): FaultKind {
  const known = faultKinds.find(({ kind }) => kind === name);
  if (known) return known;
  const names = faultKinds.map(({ kind }) => kind);
  const meant = nearest(name, names);
  return wrong(
    `"${excerpt(name, 60)}" is no fault: ${meant === undefined ? `known are ${listed(names)}` : `"${meant}" is near`}.`,
  );
}
