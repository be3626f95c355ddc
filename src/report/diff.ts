import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import type { Json } from '../core/json.ts';
import type { PlannedWrite } from '../core/planned-write.ts';

/** Lines that two texts may differ in for a diff of them. The time grows with their square. */
const MOST_DIFFERENCES = 4_000;

/** The log and the report show the same diffs. */
const known = new WeakMap<PlannedWrite, string>();

/** What a write would change, as the lines of a unified diff over YAML. The values of a Secret are hidden. */
export function diffOf(write: PlannedWrite): string {
  const diff = known.get(write) ?? differences(write);
  known.set(write, diff);
  return diff;
}

function differences({ object, before, after }: PlannedWrite): string {
  const isSecret = object.startsWith('Secret ');
  const found = isSecret ? withoutValues(before, after, 'as found') : before;
  const planned = isSecret ? withoutValues(after, before, 'changed') : after;
  const [foundText, plannedText] = [text(found), text(planned)];
  const patch = createTwoFilesPatch('found', 'planned', foundText, plannedText, undefined, undefined, {
    context: 3,
    // Where there is nothing on one side, nothing is compared.
    ...(foundText !== '' && plannedText !== '' && { maxEditLength: MOST_DIFFERENCES }),
  });
  if (patch === undefined) {
    const lines = (all: string) => (all.split('\n').length - 1).toLocaleString('en');
    return `… too many lines differ to show them: it has ${lines(foundText)} lines, and ${lines(plannedText)} afterwards`;
  }
  // The head only names the two sides.
  return patch.slice(Math.max(0, patch.indexOf('@@'))).trimEnd();
}

/** Bytes of a diff that are shown: a definition of a kind may have a megabyte, and GitHub takes no more a step. */
const SHOWN = 30_000;

/** The beginning of a diff, whole lines; and how many lines are left out. */
export function shortened(diff: string, most = SHOWN): string {
  if (Buffer.byteLength(diff) <= most) return diff;
  const lines = diff.split('\n');
  let size = 0;
  const shown = lines.findIndex((line) => {
    size += Buffer.byteLength(line) + 1;
    return size > most;
  });
  return [
    ...lines.slice(0, shown),
    `… ${lines.length - shown} more lines are in the JSON report (output "report")`,
  ].join('\n');
}

function text(value: Json | undefined): string {
  return value === undefined ? '' : stringify(value);
}

const secretFields = new Set(['data', 'stringData']);

/** A Secret in which only shows which of its values differ from those of the other one. Annotations may repeat values. */
function withoutValues(secret: Json | undefined, other: Json | undefined, difference: string): Json | undefined {
  if (!isObject(secret)) return secret;
  return Object.fromEntries(
    Object.entries(secret).map(([field, values]) => {
      if (field === 'metadata' && isObject(values)) return [field, { ...values, annotations: '(hidden)' }];
      if (!secretFields.has(field) || !isObject(values)) return [field, values];
      const others = isObject(other) ? other[field] : undefined;
      const hidden = Object.entries(values).map(([key, value]) => {
        const same = isObject(others) && others[key] === value;
        return [key, same ? '(hidden)' : `(hidden, ${difference})`];
      });
      return [field, Object.fromEntries(hidden)];
    }),
  );
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
