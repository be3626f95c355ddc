import { SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import { equal, NAME, type Selector } from '../series/selector.ts';
import { isNamedAsRate } from '../series/steady.ts';
import type { ArmPods } from './arm-pods.ts';
import type { Found } from './cluster-names.ts';
import { podLabels } from './pod-identities.ts';
import { parseExpression, refusePadding } from './promql.ts';
import type { Names, Place, Rule } from './rules.ts';

/** The user's own counters: PromQL selectors, or sums of them, in which placeholders such as `${workload}` name the arm. */
interface ArmQueries {
  readonly requests: string;
  readonly errors: string;
  /** The `_bucket` series of a classic histogram in seconds. */
  readonly latency?: string;
}

/** One template for both arms, or one for each. */
export type OwnQueries = ArmQueries | { readonly stable: ArmQueries; readonly canary: ArmQueries };

const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];
const placeholders = ['arm', 'namespace', 'workload', 'service', 'version'] as const;

/**
 * The questions in the user's own queries.
 *
 * @throws SluiceError `bad-query` for queries that are no PromQL, padded, or no raw counter; `invalid-input` for a placeholder
 *   that is unknown or has no value.
 */
export async function ownQueries(
  queries: OwnQueries,
  names: Names,
  place: Place,
  { pods }: Found = {},
): Promise<Rule[]> {
  const perArm = 'requests' in queries ? { stable: queries, canary: queries } : queries;
  const rules = await Promise.all(
    ARMS.flatMap((arm) => {
      const { requests, errors, latency } = perArm[arm];
      return [
        counterRule({ arm, kind: 'requests', template: requests }, names, place),
        counterRule({ arm, kind: 'errors', template: errors }, names, place),
        ...(latency === undefined ? [] : [counterRule({ arm, kind: 'bucket', template: latency }, names, place)]),
      ];
    }),
  );
  return pods ? rules.map((rule) => withoutPodsOfOther(rule, pods)) : rules;
}

/** A query that names pods by a pattern, such as `checkout-.*`, may also match pods of the other arm, which are left out. */
function withoutPodsOfOther(rule: Rule, pods: ArmPods): Rule {
  const [, label] = podLabels.find(([, pod]) => rule.selector.some((matcher) => matcher.label === pod)) ?? [];
  if (label === undefined) return rule;
  return { ...rule, isOfArm: (labels) => (pods.armOf(labels[label] ?? '') ?? rule.arm) === rule.arm };
}

/**
 * A query with the arm's names filled in. Placeholders are `${arm}`, `${namespace}`, `${workload}`, `${service}`, `${version}`.
 *
 * @throws SluiceError `invalid-input` for a placeholder that is unknown or has no value.
 */
export function expand(template: string, arm: Arm, names: Names): string {
  const values: Readonly<Record<string, string | undefined>> = { arm, namespace: names.namespace, ...names[arm] };
  return template.replace(/\$\{([^}]{0,200})\}/g, (placeholder, name: string) => {
    const value = values[name];
    if (value) return value;
    const known = placeholders.some((candidate) => candidate === name);
    throw new SluiceError('invalid-input', {
      about: `query ${template}`,
      problem: known
        ? `uses ${placeholder}, but the ${arm} arm has no ${name}.`
        : `has the unknown placeholder ${placeholder}.`,
      next: `Placeholders are ${placeholders.map((candidate) => `\${${candidate}}`).join(', ')}.`,
    });
  });
}

/** One of the user's queries, with its placeholders. */
interface OwnQuery {
  readonly arm: Arm;
  readonly kind: 'requests' | 'errors' | 'bucket';
  readonly template: string;
}

async function counterRule({ arm, kind, template }: OwnQuery, names: Names, place: Place): Promise<Rule> {
  const query = expand(template, arm, names);
  const selector = await counterSelector(query, `${arm} query for ${kind === 'bucket' ? 'latency' : kind}`);
  // The pods of an arm are known where they are read one by one, so a query need not tell the arms apart.
  return { arm, kind, selector: place === 'pods' ? [...selector, equal('arm', arm)] : selector, perSecond: 1 };
}

/**
 * The selector of the one raw counter that a query names.
 *
 * @param about whose query it is, for the error: `stable query for errors`
 * @throws SluiceError `bad-query` for what is no PromQL, padded, or no raw counter
 */
export async function counterSelector(query: string, about: string): Promise<Selector> {
  const expression = await parseExpression(query, about);
  refusePadding(expression, query, about);
  if ('problem' in expression.counter) {
    const { problem, next } = expression.counter;
    throw new SluiceError('bad-query', { about: `${about} (${query})`, problem, next });
  }
  const { selector } = expression.counter;
  if (!selector.some(({ label, op }) => label === NAME && (op === '=' || op === '=~'))) {
    throw new SluiceError('bad-query', {
      about: `${about} (${query})`,
      problem: 'names no metric.',
      next: 'Begin it with the name of a counter.',
    });
  }
  const rate = selector.find(({ label, op, value }) => label === NAME && op === '=' && isNamedAsRate(value));
  if (rate) {
    throw new SluiceError('bad-query', {
      about: `${about} (${query})`,
      problem: `reads ${rate.value}, which is a rate by its name: raw counters are needed.`,
      next: 'Give the counters that it is recorded from.',
    });
  }
  return selector;
}
