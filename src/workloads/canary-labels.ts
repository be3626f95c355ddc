import { type LabelSelector, type Labels, selects } from '../cluster/selectors.ts';

/** Tells the canary's pods from all others, whatever their other labels are. */
export const ARM_LABEL = 'sluice.dev/arm';

/** Labels that tools group by are left as they are when another one does as well. */
const preference = ['app', 'name', 'app.kubernetes.io/name', 'app.kubernetes.io/instance'];

/** The longest value that a label may have. */
const LONGEST_VALUE = 63;

/**
 * Labels for the canary's pods: those of the stable ones, with as few values changed as it takes that none of the
 * selectors to avoid (those of Services and of the stable workload) picks them.
 *
 * @param keep selectors that must go on picking them: labels that these look at are not changed
 * @returns the labels, and the selectors to avoid that still match because only kept labels could tell the difference
 */
export function canaryLabels(
  stable: Labels,
  avoid: readonly LabelSelector[],
  keep: readonly LabelSelector[],
): { readonly labels: Record<string, string>; readonly stillSelects: readonly LabelSelector[] } {
  const kept = new Set(keep.flatMap(keysOf));
  const candidates = Object.keys(stable).filter((key) => !kept.has(key));
  const labels: Record<string, string> = { ...stable, [ARM_LABEL]: 'canary' };
  let matching = avoid.filter((selector) => selects(selector, labels));
  while (matching.length > 0) {
    const options = candidates
      .filter((key) => labels[key] === stable[key])
      .map((key) => {
        const changed = { ...labels, [key]: canaryValue(stable[key] ?? '') };
        return { key, remaining: avoid.filter((selector) => selects(selector, changed)) };
      })
      .filter(({ remaining }) => remaining.length < matching.length)
      .sort(
        (a, b) => a.remaining.length - b.remaining.length || rank(a.key) - rank(b.key) || a.key.localeCompare(b.key),
      );
    const [best] = options;
    if (!best) break;
    labels[best.key] = canaryValue(stable[best.key] ?? '');
    matching = best.remaining;
  }
  return { labels, stillSelects: matching };
}

/**
 * The same, with labels that others select by left as they are where others are enough: first all of those, then those of
 * policies of security.
 */
export function canaryLabelsBeside(
  stable: Labels,
  avoid: readonly LabelSelector[],
  keep: readonly LabelSelector[],
  others: { readonly security: readonly LabelSelector[]; readonly all: readonly LabelSelector[] },
): ReturnType<typeof canaryLabels> {
  const relevant = (selectors: readonly LabelSelector[]) => selectors.filter((selector) => selects(selector, stable));
  for (const more of [others.all, others.security]) {
    const found = canaryLabels(stable, avoid, [...keep, ...relevant(more)]);
    if (found.stillSelects.length === 0) return found;
  }
  return canaryLabels(stable, avoid, keep);
}

function keysOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string[] {
  return [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
}

function rank(key: string): number {
  const place = preference.indexOf(key);
  return place === -1 ? preference.length : place;
}

function canaryValue(value: string): string {
  return `${value.slice(0, LONGEST_VALUE - '-canary'.length)}-canary`.replace(/^[^a-z0-9]+/i, '');
}

/** What the canary's workload selects its pods by: what the stable one does, with the canary's values. */
export function canarySelector(
  stable: LabelSelector,
  stableLabels: Labels,
  labels: Labels,
): { matchLabels: Record<string, string> } {
  const changed = Object.keys(labels).filter((key) => labels[key] !== stableLabels[key]);
  const keys = new Set([...Object.keys(stable.matchLabels ?? {}), ...changed]);
  return {
    matchLabels: Object.fromEntries(
      [...keys].flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])),
    ),
  };
}

/**
 * A selector by which pods refer to their own kind (anti-affinity, topology spread), for the canary's labels: it goes on
 * meaning "pods like me", so the canary neither crowds on one node nor keeps away from the stable arm's nodes.
 */
export function selectorForCanary(selector: LabelSelector, stableLabels: Labels, labels: Labels): LabelSelector {
  const translate = (key: string, value: string) => (stableLabels[key] === value ? (labels[key] ?? value) : value);
  const { matchLabels, matchExpressions, ...rest } = selector;
  return {
    ...rest,
    ...(matchLabels && {
      matchLabels: Object.fromEntries(Object.entries(matchLabels).map(([key, value]) => [key, translate(key, value)])),
    }),
    ...(matchExpressions && {
      matchExpressions: matchExpressions.map((expression) => ({
        ...expression,
        ...(expression.values && { values: expression.values.map((value) => translate(expression.key, value)) }),
      })),
    }),
  };
}
