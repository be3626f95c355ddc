import * as z from 'zod';
import { excerpt } from '../../../../core/text.ts';
import { parseGoDuration } from './go-duration.ts';

/** A value of somebody else in an error. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(excerpt(value, 60)) : String(value);
  return excerpt(text, 70);
}

/** A text that a rule accepts; `rule` follows the value in the error: `is no duration`. */
function textThat(accepts: (text: string) => boolean, rule: string) {
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is missing' : wrongType(input, 'a text')) })
    .refine(accepts, { error: ({ input }) => `${quoted(input)} ${rule}` });
}

function wrongType(input: unknown, wanted: string): string {
  const isNumber = typeof input === 'number' || typeof input === 'boolean';
  if (isNumber && wanted === 'a text') return `is ${quoted(input)}, but has to be a text: write "${input}" in quotes`;
  return `is no ${wanted.replace(/^an? /, '')}`;
}

export const anyText = textThat((text) => text !== '', 'is empty');

const durationRule = 'is no duration such as "500ms", "30s" or "1h30m"';

export const duration = textThat((text) => parseGoDuration(text) !== undefined, durationRule);

const oneUnit = /^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$/;

/** A length of time with one unit, as the definition of NetworkChaos asks for; another form is written in milliseconds. */
export const lengthOfTime = textThat((text) => (parseGoDuration(text) ?? -1) >= 0, durationRule).transform((text) =>
  oneUnit.test(text) ? text : `${Math.round(parseGoDuration(text) ?? 0)}ms`,
);

const isPercent = (text: string) => /^\d{1,3}(\.\d{1,6})?$/.test(text) && Number(text) <= 100;
export const percentText = textThat(
  isPercent,
  'is no number of per cent from 0 to 100, in quotes and without a sign, such as "25"',
);

export const rate = textThat(
  (text) => /^\s*\d{1,15}\s*(?:[kmgt]?bit|[kmgt]?bps)\s*$/i.test(text),
  'is no rate such as "1mbps" (megabytes a second) or "1mbit" (megabits a second); a unit is one of bit, kbit, mbit, gbit, tbit, bps, kbps, mbps, gbps, tbps',
);

export function whole(least: number, most: number) {
  const rule = `is no whole number from ${least} to ${most}`;
  return z
    .number({ error: ({ input }) => (input === undefined ? 'is missing' : `${quoted(input)} ${rule}`) })
    .refine((value) => Number.isSafeInteger(value) && value >= least && value <= most, {
      error: ({ input }) => `${quoted(input)} ${rule}`,
    });
}

export const flag = z.boolean({ error: ({ input }) => `${quoted(input)} is neither true nor false` });

export function oneOf<const Values extends readonly string[]>(values: Values) {
  return z.enum(values, {
    error: ({ input }) => {
      if (input === undefined) return `is missing; it is one of ${values.join(', ')}`;
      const same = values.find((value) => value.toLowerCase() === String(input).toLowerCase());
      return `${quoted(input)} is none of ${values.join(', ')}${same ? `; write ${same}` : ''}`;
    },
  });
}

export function listOf<S extends z.ZodType>(item: S) {
  return z.array(item, { error: ({ input }) => (input === undefined ? 'is missing' : 'is no list') });
}

/** An object with no other fields than these. */
export function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return undefined;
      return issue.input === undefined ? 'is missing' : 'is no object with fields';
    },
  });
}

/** Names and their texts. */
export const texts = z.record(z.string(), anyText, { error: 'is no mapping of names to texts' });

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const nameRule = (text: string) => text.length <= 253 && subdomain.test(text);

export const objectName = textThat(nameRule, 'is no name: names have small letters, digits, "-" and "."');

/** Names are exact: Chaos Mesh knows no patterns. */
export const podName = textThat(
  nameRule,
  'is no name of a pod. Names of pods are exact, without patterns; select by "labelSelectors" instead',
);

export const containerNames = listOf(anyText).optional();
