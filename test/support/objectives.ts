import type { CheckPlace } from '../../src/actions/checks/check-kind.ts';
import { type GateCheckInput, gateChecks } from '../../src/actions/checks/kinds/index.ts';
import type { ConversionContext } from '../../src/actions/gate/objectives/conversion.ts';
import { type ReadObjectives, readObjectives } from '../../src/actions/gate/objectives/read.ts';
import { type Composed, compose, type Vote } from '../../src/gates/verdict.ts';
import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { createVirtualClock } from './virtual-clock.ts';

const context: ConversionContext = {
  values: new Map(),
  window: 300_000,
  kinds: new Set(['promql', 'ratio']),
  isTimed: false,
};

/** What a text of objectives becomes. */
export function converted(
  text: string,
  { accept = [], ...more }: Partial<ConversionContext> & { readonly accept?: readonly string[] } = {},
): ReadObjectives {
  return readObjectives([{ name: 'objectives.yaml', text }], { ...context, ...more }, accept);
}

/** The refusal of a text of objectives; the empty text where it is not refused. */
export function refusal(text: string, more: Parameters<typeof converted>[1] = {}): string {
  try {
    converted(text, more);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

/** The checks of converted objectives, read as the gate reads what a user writes. */
export function checksOf({ written }: Pick<ReadObjectives, 'written'>): GateCheckInput[] {
  return gateChecks.schema.parse(written);
}

const clock = createVirtualClock();
const world = { env: {}, clock };
const place: CheckPlace = {
  world,
  cluster() {
    throw new Error('this place has no cluster');
  },
  prometheus: () => createPrometheusApi({ address: 'http://prometheus.example' }, world),
  server() {
    throw new Error('this place has no server');
  },
  serverAt() {
    throw new Error('this place has no server');
  },
  loadTarget() {
    throw new Error('this place has no server');
  },
  github() {
    throw new Error('this place has no GitHub');
  },
  expand: (template) => template,
  judging: { alpha: 0.01, parts: 1, partLength: 60_000, designEffect: 1, mustDetect: 0.05, window: 300_000 },
};

/** The value of each check, or what it is and what it is compared with; a check without one was not measured. */
export type Values = Readonly<Record<string, number | { readonly value: number; readonly before: number }>>;

/** What the gate says of these values, by the rules of the checks. */
export async function judged(read: ReadObjectives, values: Values): Promise<Composed> {
  const votes = await Promise.all(
    checksOf(read).map(async (check): Promise<Vote & { readonly counts: boolean }> => {
      const { rule } = await check.build(place);
      const given = values[check.name];
      const [value, before] = typeof given === 'object' ? [given.value, given.before] : [given, undefined];
      const look = (measured: number | undefined) =>
        measured === undefined
          ? { kind: 'missing' as const, reason: 'no data' }
          : { kind: 'values' as const, values: [{ of: '', value: measured, at: 0 }] };
      rule.add(look(value), before === undefined ? undefined : look(before), 0);
      const { state, warning } = rule.finding();
      const states = { breach: 'failed', healthy: warning ? 'warning' : 'passed', unknown: 'undecided' } as const;
      return { state: states[state], weight: check.weight, key: check.key, counts: check.onBreach === 'fail' };
    }),
  );
  return compose(
    votes.filter(({ counts }) => counts),
    read.score ? { kind: 'score', ...read.score } : { kind: 'all' },
  );
}
