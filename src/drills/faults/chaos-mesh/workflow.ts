import * as z from 'zod';
import { formatDuration } from '../../../core/duration.ts';
import { isRecord, type Json } from '../../../core/json.ts';
import { excerpt } from '../../../core/text.ts';
import { type Bounds, placeProblems } from './bounds.ts';
import { type EmbeddedFault, openSpec } from './embedded.ts';
import { recordOf } from './kinds/chaos-kind.ts';
import { anyText, duration, fields, flag, listOf, objectName, oneOf, quoted } from './kinds/fields.ts';
import { parseGoDuration } from './kinds/go-duration.ts';
import { chaosKind, chaosKinds } from './kinds/index.ts';
import { problemsOf } from './kinds/problems.ts';
import type { ReadMaker } from './schedule.ts';

const steps = ['Serial', 'Parallel', 'Suspend', 'Task', 'StatusCheck'] as const;
const foreign = z.record(z.string(), z.unknown()).optional();

const template = fields({
  name: objectName,
  templateType: oneOf([...steps, ...chaosKinds.map(({ kind }) => kind)]),
  deadline: duration.optional(),
  children: listOf(anyText)
    .nullish()
    .transform((children) => children ?? undefined),
  task: foreign,
  conditionalBranches: listOf(fields({ target: anyText, expression: z.string().optional() })).optional(),
  statusCheck: foreign,
  abortWithStatusCheck: flag.optional(),
});
type Template = z.infer<typeof template>;

const outline = fields({ entry: anyText, templates: z.array(z.unknown(), { error: 'is no list' }).max(500) });
const known = [
  ...['name', 'templateType', 'deadline', 'children', 'task', 'conditionalBranches', 'statusCheck'],
  ...chaosKinds.map(({ field }) => field),
];

interface ReadTemplate {
  readonly settings: Template;
  readonly fault: EmbeddedFault | undefined;
}

/** https://chaos-mesh.org/docs/create-chaos-mesh-workflow/ */
export function readWorkflow(value: unknown, own: string, bounds: Bounds): ReadMaker {
  const read = outline.safeParse(value);
  if (!read.success) return { problems: problemsOf(read.error, 'spec', ['entry', 'templates']) };
  const problems: string[] = [];
  const templates = read.data.templates.flatMap((written, index) => {
    const one = readTemplate(written, own, bounds, `spec.templates[${index}]`);
    problems.push(...one.problems);
    return one.template ? [one.template] : [];
  });
  if (problems.length > 0) return { problems };
  const byName = new Map(templates.map((one) => [one.settings.name, one]));
  problems.push(...linkProblems(read.data.entry, templates, byName));
  if (problems.length > 0) return { problems };
  const lasts = boundsOf(byName)(read.data.entry);
  const limit = bounds.maxDuration;
  const isTask = byName.get(read.data.entry)?.settings.templateType === 'Task';
  if (lasts === undefined && (limit === undefined || isTask)) {
    return {
      problems: [
        `spec.templates: nothing ends the workflow, as neither "${excerpt(read.data.entry, 60)}" nor all that it runs have a "deadline". Give it one, or the drill a "max-duration"`,
      ],
    };
  }
  if (lasts !== undefined && limit !== undefined && lasts > limit) {
    return {
      problems: [
        `spec.templates: the workflow may take ${formatDuration(Math.round(lasts))}, more than the "max-duration" of the drill, ${formatDuration(limit)}. Give "${excerpt(read.data.entry, 60)}" a "deadline" of that`,
      ],
    };
  }
  const total = lasts ?? limit ?? 0;
  const images = templates
    .filter(({ settings }) => settings.templateType === 'Task')
    .map(({ settings }) => settings.name);
  return {
    problems,
    maker: {
      spec: {
        entry: read.data.entry,
        templates: templates.map((one) =>
          written(one, own, one.settings.name === read.data.entry && lasts === undefined ? limit : undefined),
        ),
      },
      faults: templates.flatMap(({ fault }) => (fault ? [fault] : [])),
      lasts: total,
      warnings: [
        'Chaos Mesh chooses the pods of each step of the workflow when it begins.',
        ...images.map((name) => `The template "${name}" runs a container of its own, whatever that does.`),
        ...templates.flatMap(({ fault }) => fault?.spec.warnings ?? []),
      ],
    },
  };
}

/** One template. */
function readTemplate(value: unknown, own: string, bounds: Bounds, root: string) {
  if (!isRecord(value)) return { problems: [`${root} is no object with fields`] };
  if (value.templateType === 'Schedule') {
    return { problems: [`${root} is a Schedule, which is not taken there: write it as a manifest of its own`] };
  }
  const field = chaosKinds.find(({ kind }) => kind === value.templateType)?.field;
  const { [field ?? '']: inner, ...outer } = value;
  const read = template.safeParse(outer);
  if (!read.success) return { problems: problemsOf(read.error, root, known) };
  const settings = read.data;
  const length = parseGoDuration(settings.deadline ?? '1s') ?? 0;
  if (length <= 0) return { problems: [`${root}.deadline is not more than 0`] };
  const chaos = chaosKind(settings.templateType);
  if (chaos === undefined) return { problems: [], template: { settings, fault: undefined } };
  const { spec, problems } = chaos.read(inner, `${root}.${chaos.field}`);
  if (spec === undefined) return { problems };
  const wrong = placeProblems(spec, own, bounds, `${root}.${chaos.field}`);
  if (spec.duration !== undefined) {
    wrong.push(
      `${root}.${chaos.field}.duration is set, which Chaos Mesh refuses in a Workflow: write a "deadline" of the template`,
    );
  }
  return { problems: wrong, template: { settings, fault: { chaos, spec } } };
}

/** Names that lead nowhere, and templates that lack what they need. */
function linkProblems(
  entry: string,
  templates: readonly ReadTemplate[],
  byName: ReadonlyMap<string, ReadTemplate>,
): string[] {
  const missing = (place: string, name: string) =>
    byName.has(name) ? [] : [`${place} names the template ${quoted(name)}, which is not there`];
  return [
    ...missing('spec.entry', entry),
    ...templates.flatMap(({ settings: { name, templateType, children, conditionalBranches = [], deadline } }) => {
      const place = `template "${name}"`;
      const isGroup = templateType === 'Serial' || templateType === 'Parallel';
      const isChaos = chaosKind(templateType) !== undefined;
      return [
        ...(isChaos && deadline === undefined && name !== entry
          ? [`${place} has no "deadline", so the workflow would never go on after it`]
          : []),
        ...(isGroup && (children ?? []).length === 0 ? [`${place} has no "children"`] : []),
        ...(templateType === 'Suspend' && deadline === undefined ? [`${place} has no "deadline"`] : []),
        ...(children ?? []).flatMap((child) => missing(place, child)),
        ...conditionalBranches.flatMap(({ target }) => missing(place, target)),
      ];
    }),
    ...(byName.size < templates.length ? ['spec.templates has several templates of one name'] : []),
  ];
}

/** The most milliseconds that templates take; undefined where nothing ends one. */
function boundsOf(byName: ReadonlyMap<string, ReadTemplate>): (name: string) => number | undefined {
  // A template is without a bound as long as it is not known: one that runs itself never ends.
  const bounds = new Map<string, number>();
  const started = new Set<string>();

  function boundOf(name: string): number {
    const found = byName.get(name)?.settings;
    if (found === undefined || started.has(name)) return bounds.get(name) ?? Number.POSITIVE_INFINITY;
    started.add(name);
    const bound = boundOfSettings(found);
    bounds.set(name, bound);
    return bound;
  }

  function boundOfSettings({ templateType, deadline, children, conditionalBranches = [] }: Template): number {
    const own = (deadline === undefined ? undefined : parseGoDuration(deadline)) ?? Number.POSITIVE_INFINITY;
    // The branches of a task begin after it has ended.
    if (templateType === 'Task') return own + longest(conditionalBranches.map(({ target }) => boundOf(target)));
    if (own !== Number.POSITIVE_INFINITY) return own;
    const parts = (children ?? []).map(boundOf);
    if (templateType === 'Serial') return parts.reduce((sum, part) => sum + part, 0);
    return templateType === 'Parallel' ? longest(parts) : own;
  }

  return (name) => finite(boundOf(name));
}

function longest(bounds: readonly number[]): number {
  return bounds.reduce((most, bound) => Math.max(most, bound), 0);
}

function finite(bound: number): number | undefined {
  return Number.isFinite(bound) ? bound : undefined;
}

function written(
  { settings, fault }: ReadTemplate,
  own: string,
  total: number | undefined,
): { readonly [field: string]: Json } {
  return {
    ...recordOf(settings),
    ...(total !== undefined && settings.deadline === undefined && { deadline: formatDuration(Math.round(total)) }),
    ...(fault && { [fault.chaos.field]: openSpec(fault.spec, own) }),
  };
}
