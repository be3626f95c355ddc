import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import type { Json } from '../core/json.ts';
import type { PlannedWrite } from '../core/planned-write.ts';

/** The most lines that may differ between two texts for a diff of them: the time grows with their square. */
const MOST_DIFFERENCES = 2_000;

/** Diffs that were computed already: the log and the report show the same ones. */
const known = new WeakMap<PlannedWrite, string>();

/** The change of a write, as the lines of a unified diff over YAML. The values of a Secret are hidden. */
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
    // If one side is empty, there is nothing to compare, so no limit is needed.
    ...(foundText !== '' && plannedText !== '' && { maxEditLength: MOST_DIFFERENCES }),
  });
  if (patch === undefined) {
    const lines = (all: string) => (all.split('\n').length - 1).toLocaleString('en');
    return `… too many lines differ to show them: it has ${lines(foundText)} lines, and ${lines(plannedText)} afterwards`;
  }
  // The header only names the two sides.
  return patch.slice(Math.max(0, patch.indexOf('@@'))).trimEnd();
}

/**
 * Bytes of a diff that are shown: a CustomResourceDefinition may have a megabyte, which is GitHub's limit for a step.
 */
const SHOWN = 30_000;

/** The first whole lines of a diff, and the number of lines that are left out. */
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

/**
 * A Secret that shows only which of its values differ from the other Secret's. Hides annotations, which may repeat values.
 */
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
