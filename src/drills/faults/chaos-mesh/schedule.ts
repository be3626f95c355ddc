import { isRecord, type Json } from '../../../core/json.ts';
import { type Bounds, boundedDuration, inManifest, placeProblems } from './bounds.ts';
import { type EmbeddedFault, openSpec } from './embedded.ts';
import { recordOf } from './kinds/chaos-kind.ts';
import { anyText, fields, oneOf, quoted, whole } from './kinds/fields.ts';
import { parseGoDuration } from './kinds/go-duration.ts';
import { chaosKind, chaosKinds } from './kinds/index.ts';
import { problemsOf } from './kinds/problems.ts';

/** A Schedule or a Workflow: it makes faults, whose pods Chaos Mesh chooses. */
export interface FaultMaker {
  readonly spec: { readonly [field: string]: Json };
  readonly faults: readonly EmbeddedFault[];
  /** Milliseconds. */
  readonly lasts: number;
  readonly warnings: readonly string[];
}

export type ReadMaker = { readonly maker?: FaultMaker; readonly problems: readonly string[] };

/** https://pkg.go.dev/github.com/robfig/cron/v3: five fields, or six with seconds, or a word. */
function isCron(text: string): boolean {
  const every = /^@every (\S+)$/.exec(text)?.[1];
  if (every !== undefined) return (parseGoDuration(every) ?? 0) >= 1_000;
  if (/^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text)) return true;
  const parts = text.trim().split(/\s+/);
  return (parts.length === 5 || parts.length === 6) && parts.every((part) => /^[\w*/,?-]{1,100}$/.test(part));
}

const settings = fields({
  schedule: anyText.refine(isCron, {
    error: ({ input }) =>
      `${quoted(input)} is no schedule such as "*/5 * * * *" or "@every 5m", with at least one second between two runs`,
  }),
  type: oneOf(chaosKinds.map(({ kind }) => kind)),
  concurrencyPolicy: oneOf(['Forbid', 'Allow']).default('Forbid'),
  // Without it, Chaos Mesh removes faults as soon as they have ended, and nobody sees how they were felt.
  historyLimit: whole(1, 1_000).default(5),
  startingDeadlineSeconds: whole(0, 1_000_000)
    .nullish()
    .transform((seconds) => seconds ?? undefined),
});

/** https://chaos-mesh.org/docs/define-scheduling-rules/ */
export function readSchedule(value: unknown, own: string, bounds: Bounds): ReadMaker {
  if (!isRecord(value)) return { problems: ['spec is missing'] };
  if (value.type === 'Workflow') {
    return { problems: ['spec.type is Workflow, which is not taken: write the Workflow as a manifest of its own'] };
  }
  const { [fieldOf(value.type)]: inner, ...outer } = value;
  const read = settings.safeParse(outer);
  const chaos = read.success ? chaosKind(read.data.type) : undefined;
  if (!read.success || !chaos) return { problems: read.error ? problemsOf(read.error, 'spec', known) : [] };
  const root = `spec.${chaos.field}`;
  const { spec, problems } = chaos.read(inner, root);
  if (spec === undefined) return { problems };
  const bounded = boundedDuration(spec, bounds, inManifest(root));
  const wrong = [...placeProblems(spec, own, bounds, root), ...('problem' in bounded ? [bounded.problem] : [])];
  if (bounds.maxDuration === undefined) {
    wrong.push(
      'a Schedule goes on until somebody deletes it, so the drill needs a "max-duration", after which it is deleted',
    );
  }
  if (wrong.length > 0 || 'problem' in bounded || bounds.maxDuration === undefined) return { problems: wrong };
  const lasts = spec.isOneShot ? undefined : bounded.lasts;
  return {
    problems: [],
    maker: {
      spec: { ...recordOf(read.data), [chaos.field]: openSpec(spec, own, lasts) },
      faults: [{ chaos, spec }],
      lasts: bounds.maxDuration,
      warnings: [
        `Chaos Mesh begins a fault whenever the schedule ${quoted(read.data.schedule)} says so, and chooses its pods then.`,
        ...spec.warnings,
      ],
    },
  };
}

const known = [
  ...['schedule', 'type', 'concurrencyPolicy', 'historyLimit', 'startingDeadlineSeconds'],
  ...chaosKinds.map(({ field }) => field),
];

function fieldOf(type: unknown): string {
  return chaosKinds.find(({ kind }) => kind === type)?.field ?? '';
}
