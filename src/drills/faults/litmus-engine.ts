import * as z from 'zod';
import { formatDuration } from '../../core/duration.ts';
import { asJson, type Json } from '../../core/json.ts';
import { excerpt } from '../../core/text.ts';

export const LITMUS = 'litmuschaos.io/v1alpha1';

const env = z.looseObject({ name: z.string(), value: z.unknown().optional(), valueFrom: z.unknown().optional() });
const experiment = z.looseObject({
  name: z.string().min(1).max(100),
  spec: z
    .looseObject({
      components: z.looseObject({ env: z.array(env).nullish() }).nullish(),
    })
    .nullish(),
});
const engineSpec = z.looseObject({
  engineState: z.string().optional(),
  appinfo: z
    .looseObject({ appns: z.string().optional(), applabel: z.string().optional(), appkind: z.string().optional() })
    .optional(),
  selectors: z.unknown().optional(),
  experiments: z.array(experiment).min(1).max(50),
});

/** A ChaosEngine as it was written, checked. */
export interface EngineSpec {
  readonly spec: { readonly [field: string]: Json };
  /** Namespace and label selector of the pods. */
  readonly target: { readonly namespace: string; readonly selector: string };
  readonly experiments: readonly string[];
  /** Milliseconds. */
  readonly lasts: number;
}

/** Experiments that hit pods of the application. Others hit nodes, disks or clouds. */
const ofPods = /^(?:pod-|container-kill$|disk-fill$|spring-boot-)/;

/** Set by Litmus from `appinfo`; here they would aim at something else. */
const aiming = new Set(['APP_NAMESPACE', 'APP_LABEL', 'APP_KIND', 'APP_NS', 'TARGETS']);

const DURATION = 'TOTAL_CHAOS_DURATION';

/**
 * Reads `spec` of a ChaosEngine: https://litmuschaos.github.io/litmus/experiments/concepts/chaos-resources/chaos-engine/contents/
 *
 * @param maxDuration milliseconds; for each experiment that says nothing
 */
export function readEngine(
  value: unknown,
  maxDuration: number | undefined,
): { readonly engine?: EngineSpec; readonly problems: readonly string[] } {
  const read = engineSpec.safeParse(value);
  if (!read.success) {
    return {
      problems: read.error.issues.slice(0, 5).map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`),
    };
  }
  const { appinfo = {}, selectors, experiments, engineState } = read.data;
  const { appns = '', applabel = '' } = appinfo;
  const problems: string[] = [];
  if (selectors !== undefined)
    problems.push('spec.selectors is not taken: select the pods by "appinfo" with "appns" and "applabel"');
  if (appns === '') problems.push('spec.appinfo.appns is missing: it is the namespace of the pods');
  if (applabel === '') problems.push('spec.appinfo.applabel is missing, so it would select every pod');
  if (engineState === 'stop') problems.push('spec.engineState is stop, so nothing would happen: write "active"');
  const timed = experiments.map((one) => readExperiment(one, maxDuration));
  problems.push(...timed.flatMap((one) => one.problems));
  const lasts = timed.reduce((sum, one) => sum + one.lasts, 0);
  if (maxDuration !== undefined && lasts > maxDuration && problems.length === 0) {
    problems.push(
      `spec.experiments take ${formatDuration(lasts)} one after the other, more than the "max-duration" of the drill, ${formatDuration(maxDuration)}`,
    );
  }
  if (problems.length > 0) return { problems };
  const written = { ...read.data, engineState: 'active', experiments: timed.map((one) => one.experiment) };
  return {
    problems,
    engine: {
      spec: jsonObject.parse(asJson(written)),
      target: { namespace: appns, selector: applabel },
      experiments: experiments.map(({ name }) => name),
      lasts,
    },
  };
}

const jsonObject: z.ZodType<{ readonly [field: string]: Json }> = z.record(z.string(), z.json());

function readExperiment(one: z.infer<typeof experiment>, maxDuration: number | undefined) {
  const place = `experiment "${excerpt(one.name, 60)}"`;
  const problems: string[] = [];
  if (!ofPods.test(one.name)) {
    problems.push(
      `${place} does not hit pods alone (those have names such as pod-delete), so what it would hit is not known before`,
    );
  }
  const components = one.spec?.components ?? {};
  const settings = components.env ?? [];
  for (const { name } of settings) {
    if (aiming.has(name)) problems.push(`${place} sets ${name}: leave it out, "appinfo" says it`);
  }
  const own = settings.find(({ name }) => name === DURATION);
  const lasts = own === undefined ? maxDuration : secondsIn(own.value);
  if (lasts === undefined) {
    problems.push(
      own === undefined
        ? `${place} does not set ${DURATION}. Set it, or give the drill a "max-duration"`
        : `${place} sets ${DURATION} to something that is no number of seconds in quotes, such as "30"`,
    );
  } else if (maxDuration !== undefined && lasts > maxDuration) {
    problems.push(
      `${place} takes ${formatDuration(lasts)}, more than the "max-duration" of the drill, ${formatDuration(maxDuration)}`,
    );
  }
  const added = { name: DURATION, value: `${Math.ceil((lasts ?? 0) / 1_000)}` };
  const all = own === undefined ? [...settings, added] : settings;
  const changed = { ...one, spec: { ...one.spec, components: { ...components, env: all } } };
  return { problems, lasts: lasts ?? 0, experiment: changed };
}

function secondsIn(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{1,6}$/.test(value) || Number(value) === 0) return undefined;
  return Number(value) * 1_000;
}
