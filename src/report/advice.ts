import { code, plain } from './markdown.ts';
import type { Report } from './report.ts';
import { clockTime } from './sentences.ts';

/** What a person can do now, one line of Markdown each; nothing after a promotion. */
export function nextSteps(report: Report): string[] {
  const { outcome, failure, breach } = report;
  if (failure) return [plain(failure.next), ...(failure.unchanged ? [] : leftBehind(report))];
  switch (outcome?.verdict) {
    case 'rolled-back':
      return [
        'Stable serves all traffic; there is nothing to repair.',
        ...(breach ? breachSteps(report, breach) : []),
        'Release again when the cause is gone: run the workflow again.',
      ];
    case 'frozen':
    case 'held':
      if (outcome.left) {
        return [
          ...outcome.left.map(({ object, shows }) => `${code(object)} is still of the new version: ${plain(shows)}.`),
          'Give it the version before by hand (`kubectl rollout undo`), or mend what keeps the new one there: an admission rule, an operator, pods that do not start.',
          'Then run the workflow again: what is left of this rollout is taken back first.',
        ];
      }
      if (outcome.passed) {
        return [
          'Deploy the stable workload with the new version, and let it get ready.',
          `Then give it the route: run this step again with ${code('mode: finish')}.`,
          `To go back to the version before instead: ${code('mode: undo')}.`,
        ];
      }
      return [
        `The canary still gets **${outcome.weight} %** of the requests, until somebody decides.`,
        `To go on from there: run the workflow again with ${code('on-interrupted: resume')}.`,
        `To go back to stable: run it again with ${code('on-interrupted: undo')}.`,
      ];
    default:
      return [];
  }
}

function breachSteps({ steps }: Report, { at, opinion }: NonNullable<Report['breach']>): string[] {
  if (opinion.check === 'pods') {
    return [
      'Look at the events and the last logs of the pod that is named above (`kubectl describe pod`, `kubectl logs --previous`).',
    ];
  }
  const since = steps.at(-1)?.observedFrom ?? at;
  return [
    `Look at the canary's logs and traces between ${clockTime(since)} and ${clockTime(at)} UTC.`,
    `If such a difference is acceptable, say so: ${code('tolerance')} is the accepted ratio to stable, ${code('absolute-tolerance')} the accepted excess.`,
  ];
}

function leftBehind({ weights }: Report): string[] {
  const weight = weights.at(-1)?.weight ?? 0;
  return [
    `The route was last seen with **${weight} %** for the canary. The record in the cluster knows what was found: run the workflow again and it is undone or resumed.`,
  ];
}
