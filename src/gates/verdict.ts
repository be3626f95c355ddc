/** How a gate ends. `undecided` is neither: what is not known never passes. */
export type GateVerdict = 'passed' | 'failed' | 'undecided';

/** How one check stands. `warning` is a pass in the band before a failure. */
export type CheckState = 'passed' | 'warning' | 'failed' | 'undecided';

/** What a check counts for. */
export interface Vote {
  readonly state: CheckState;
  /** Share of the check in the score of its group, >= 0. A key check of 0 has to hold and adds nothing to the score. */
  readonly weight: number;
  /** A key check fails the gate by itself, whatever the others say. */
  readonly key: boolean;
  readonly group?: string | undefined;
}

/** How the checks make one verdict. */
export type Requirement =
  | { readonly kind: 'all' }
  | { readonly kind: 'any' }
  /**
   * Per cent of the votes: a passed check gives its weight, a warning half of it. As Keptn's quality gates
   * (https://keptn.sh/docs/concepts/quality_gates/, `total_score`); with groups, as Kayenta's scores, the score is the mean of the
   * groups' scores, weighted by `groups`.
   */
  | {
      readonly kind: 'score';
      readonly pass: number;
      readonly warn: number;
      readonly groups?: Readonly<Record<string, number>>;
    };

export interface Composed {
  readonly verdict: GateVerdict;
  /** A pass in the band before a failure. */
  readonly warning: boolean;
  /** Per cent, at least and at most: what is undecided may count nothing or all. Absent without a score. */
  readonly score?: { readonly least: number; readonly most: number };
}

/** One verdict from the states of all checks that count; at least one does. */
export function compose(votes: readonly Vote[], requirement: Requirement): Composed {
  const keys = votes.filter(({ key }) => key).map(({ state }) => state);
  const judged = judge(votes, requirement);
  if (keys.includes('failed')) return { ...judged, verdict: 'failed' };
  if (keys.includes('undecided') && judged.verdict !== 'failed') return { ...judged, verdict: 'undecided' };
  return judged;
}

function judge(votes: readonly Vote[], requirement: Requirement): Composed {
  const states = votes.map(({ state }) => state);
  const has = (state: CheckState) => states.includes(state);
  switch (requirement.kind) {
    case 'all': {
      const verdict = has('failed') ? 'failed' : has('undecided') || votes.length === 0 ? 'undecided' : 'passed';
      return { verdict, warning: verdict === 'passed' && has('warning') };
    }
    case 'any': {
      const passed = has('passed') || has('warning');
      const verdict = passed ? 'passed' : has('undecided') || votes.length === 0 ? 'undecided' : 'failed';
      return { verdict, warning: passed && !has('passed') };
    }
    case 'score': {
      const score = { least: scoreOf(votes, requirement.groups, 0), most: scoreOf(votes, requirement.groups, 1) };
      if (score.most < requirement.warn) return { verdict: 'failed', warning: false, score };
      if (score.least < requirement.warn) return { verdict: 'undecided', warning: false, score };
      return { verdict: 'passed', warning: score.least < requirement.pass, score };
    }
  }
}

/** Share of a check's weight that its state gives. */
const gives = { passed: 1, warning: 0.5, failed: 0 } as const;

/** Per cent. @param undecided what an undecided check gives, 0 or 1 */
function scoreOf(
  votes: readonly Vote[],
  groups: Readonly<Record<string, number>> | undefined,
  undecided: 0 | 1,
): number {
  const share = (some: readonly Vote[]) => {
    const total = some.reduce((sum, { weight }) => sum + weight, 0);
    const given = some.reduce(
      (sum, { state, weight }) => sum + weight * (state === 'undecided' ? undecided : gives[state]),
      0,
    );
    return total === 0 ? 0 : (100 * given) / total;
  };
  if (!groups) return share(votes);
  const weights = Object.entries(groups);
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return weights.reduce(
    (sum, [name, weight]) => sum + (weight / total) * share(votes.filter(({ group }) => group === name)),
    0,
  );
}
