import * as z from 'zod';
import { parseJson } from '../core/json.ts';

/** What a release is, as `helm status` and the dry run of `helm upgrade` tell it with `-o json`. */
const releaseSchema = z.looseObject({
  info: z.looseObject({ status: z.string().default(''), notes: z.string().default('') }),
  /** Not part of `helm status`. */
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
  /** How its objects are written; a release of Helm 3 says nothing. */
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
  return releaseSchema.parse(parseJson(jsonIn(output)));
}

/** What `helm get` tells of a revision, one command for each part. */
export function parseRecorded(parts: {
  readonly manifest: string;
  readonly values: string;
  readonly metadata: string;
}): Release {
  const { revision, status, applyMethod } = metadataSchema.parse(parseJson(jsonIn(parts.metadata)));
  return releaseSchema.parse({
    info: { status },
    config: parseJson(parts.values.trim()),
    manifest: parts.manifest,
    version: revision,
    ...(applyMethod !== undefined && { apply_method: applyMethod }),
  });
}

/** Lines before the JSON are remarks of plugins and of Helm itself. */
export function jsonIn(output: string): string {
  return output.slice(Math.max(0, output.search(/^[[{]/m)));
}
