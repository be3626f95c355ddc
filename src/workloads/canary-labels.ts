import { type LabelSelector, type Labels, selects } from '../cluster/selectors.ts';

/** Distinguishes the canary's pods from all others, whatever their other labels are. */
export const ARM_LABEL = 'sluice.dev/arm';

/** The labels to change first, in this order. Other labels, by which tools may group, are kept if one of these will do. */
const preference = ['app', 'name', 'app.kubernetes.io/name', 'app.kubernetes.io/instance'];

/** The longest value of a label. */
const LONGEST_VALUE = 63;

/**
 * Labels for the canary's pods: the stable ones, with as few values changed as needed so that none of the selectors to avoid
 * (those of Services and of the stable workload) matches them.
 *
 * @param keep selectors that must go on matching them: labels that these use are not changed
 * @returns the labels, and the selectors to avoid that still match because only kept labels could make the difference
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
 * As `canaryLabels`, but keeps labels that other selectors use if the remaining labels are enough: first those of all
 * selectors, then those of security policies alone.
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

/** The selector of the canary's workload: the stable workload's, with the canary's values. */
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
 * Translates a selector by which pods refer to their own kind (anti-affinity, topology spread) to the canary's labels. It still
 * means "pods like me", so the canary neither crowds on one node nor avoids the stable arm's nodes.
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
