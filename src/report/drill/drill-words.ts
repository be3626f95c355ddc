import { count } from '../../core/wording.ts';
import type { DrillReport, ReportedFault } from './drill-report.ts';

/** The words for a verdict. */
export const verdictNames: Readonly<Record<NonNullable<DrillReport['verdict']>, string>> = {
  resilient: 'resilient',
  'not-resilient': 'not resilient',
  incomplete: 'incomplete',
  aborted: 'aborted',
};

export const feltNames = { felt: 'felt', 'not-felt': 'not felt', unknown: 'not known' } as const;

/** The words for how a target was met. */
export const targetNames = { passed: 'met', failed: 'missed', missing: 'not measured' } as const;

/** `12.3 s` for milliseconds. */
export function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** `340 ms`, `2.1 s` for the time of an answer, in milliseconds. */
export function answerText(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Number(milliseconds.toPrecision(3))} ms` : secondsText(milliseconds);
}

/** `99.96 %` for a share of good requests. Its bad part is written with two significant figures, so that only 1 is `100 %`. */
export function successText(share: number): string {
  const bad = 100 * (1 - share);
  const rounded = Number(bad.toPrecision(bad < 9.95 ? 2 : 3));
  return `${Number((100 - rounded).toPrecision(12))} %`;
}

/** How long after the injection, or after the removal, users last felt a fault. */
export function recoveryText({ measured }: ReportedFault, since: 'fromInjection' | 'fromRemoval'): string {
  if (!measured) return 'not measured';
  if (!measured.recovery) return 'not seen to recover';
  return measured.belowTarget === 0 && measured.recovery.fromInjection === 0
    ? 'never below the target'
    : secondsText(measured.recovery[since]);
}

/** `12 of 600`: the requests that failed, of those that were counted. */
export function lostText({ measured }: ReportedFault): string {
  if (!measured) return 'not measured';
  return `${count(measured.lost)} of ${count(measured.requests)}`;
}

/** What a fault cost in one sentence, without a full stop. */
export function courseText(fault: ReportedFault): string {
  const { measured, effect } = fault;
  if (!measured) return `what users felt of it was not measured${effect ? `; ${effectText(effect)}` : ''}`;
  const lost = `${lostText(fault)} requests failed, lowest success ${successText(measured.lowestSuccess)}`;
  if (!measured.recovery) return `not seen to recover in the time that was watched; ${lost}`;
  const never = recoveryText(fault, 'fromInjection');
  if (never === 'never below the target') return `users were never below the target; ${lost}`;
  return `recovered ${never} after the injection, ${secondsText(measured.recovery.fromRemoval)} after the removal; ${lost}`;
}

export function effectText({ felt, evidence }: NonNullable<ReportedFault['effect']>): string {
  return `${feltNames[felt]}: ${evidence}`;
}

/** `3 of 4 met, 1 not measured` */
export function targetsText({ targets }: ReportedFault): string {
  if (targets.length === 0) return 'none judged';
  const number = (state: keyof typeof targetNames) => targets.filter((one) => one.state === state).length;
  const [passed, missing] = [number('passed'), number('missing')];
  return `${passed} of ${targets.length} met${missing === 0 ? '' : `, ${missing} not measured`}`;
}

/** Names of pods that one line has room for. */
const MOST_PODS = 8;

/** `1 of 3 pods: shop/checkout-1 on n1` */
export function podsText({ pods, candidates, beside = 0 }: NonNullable<ReportedFault['aim']>): string {
  if (pods.length === 0) return 'no pod by itself';
  const shown = pods
    .slice(0, MOST_PODS)
    .map(({ namespace, name, node }) => `${namespace}/${name}${node === '' ? '' : ` on ${node}`}`);
  const more = pods.length - shown.length;
  const of = candidates > 0 && beside === 0 ? `${count(pods.length)} of ${count(candidates)}` : count(pods.length);
  return `${of} ${Math.max(pods.length, candidates) === 1 ? 'pod' : 'pods'}: ${shown.join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`;
}
