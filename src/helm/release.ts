import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson } from '../core/json.ts';

/** A release, as `helm status -o json` and the dry run `helm upgrade -o json` print it. */
const releaseSchema = z.looseObject({
  info: z.looseObject({ status: z.string().default(''), notes: z.string().default('') }),
  /** `helm status` leaves it out. */
  chart: z
    .looseObject({
      metadata: z.looseObject({ name: z.string(), version: z.string(), appVersion: z.string().default('') }),
    })
    .nullish(),
  /** What the user has set. */
  config: z.record(z.string(), z.unknown()).nullish(),
  manifest: z.string().default(''),
  hooks: z
    .array(
      z.looseObject({
        path: z.string().default(''),
        manifest: z.string().default(''),
        events: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
  version: z.number(),
  /** How its objects are written; undefined for a release of Helm 3. */
  apply_method: z.string().optional(),
});
export type Release = z.infer<typeof releaseSchema>;

/** `helm get metadata` */
const metadataSchema = z.looseObject({
  revision: z.number(),
  status: z.string().default(''),
  applyMethod: z.string().optional(),
});

export function parseRelease(output: string): Release {
  return read(releaseSchema, tryParseJson(jsonIn(output)), 'a release');
}

/** Reads a revision from the output of `helm get`, one command for each part. */
export function parseRecorded(parts: {
  readonly manifest: string;
  readonly values: string;
  readonly metadata: string;
}): Release {
  const metadata = read(metadataSchema, tryParseJson(jsonIn(parts.metadata)), 'the metadata of a release');
  const { revision, status, applyMethod } = metadata;
  const release = {
    info: { status },
    config: tryParseJson(parts.values.trim()),
    manifest: parts.manifest,
    version: revision,
    ...(applyMethod !== undefined && { apply_method: applyMethod }),
  };
  return read(releaseSchema, release, 'a revision');
}

function read<S extends z.ZodType>(shape: S, value: unknown, what: string): z.infer<S> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SluiceError('unsupported', {
    about: 'helm',
    problem: `answered something else than ${what} as JSON.`,
    next: 'See that "helm" is Helm 3 or 4, and that no plugin of it writes to its output.',
  });
}

/** Skips lines before the JSON: remarks of plugins and of Helm itself. */
export function jsonIn(output: string): string {
  return output.slice(Math.max(0, output.search(/^[[{]/m)));
}
