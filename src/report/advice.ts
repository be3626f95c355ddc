import type { Report } from './canary-report-schema.ts';
import { adviceOf } from './copyable.ts';
import { block, code, plain } from './markdown.ts';
import { clockTime } from './sentences.ts';

/** What a person can do now, each item as Markdown; empty after a promotion. */
export function nextSteps(report: Report): string[] {
  const { outcome, failure, breach } = report;
  if (failure) return [adviceLine(failure.next), ...(failure.unchanged ? [] : leftBehind(report))];
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
        outcome.weight === undefined
          ? 'The weights of the route are what somebody else has made them, until somebody decides.'
          : `The canary still gets **${outcome.weight} %** of the requests, until somebody decides.`,
        `To go on from there: run the workflow again with ${code('on-interrupted: resume')}.`,
        `To go back to stable: run it again with ${code('on-interrupted: undo')}.`,
      ];
    default:
      return [];
  }
}

/** A list item, followed by the text to copy, if any. */
export function adviceLine(next: string): string {
  const { sentence, copy } = adviceOf(next);
  if (copy === '') return plain(sentence);
  return `${plain(sentence)}\n\n${indented(block('yaml', copy))}`;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

function breachSteps({ steps, pods }: Report, { at, opinion }: NonNullable<Report['breach']>): string[] {
  if (opinion.check === 'pods') {
    return pods && pods.length > 0
      ? ['What the pods wrote last, and what Kubernetes told of them, is below: they themselves are gone.']
      : ['The pods are gone. Nothing of their logs and events could be kept: look where your logs are gathered.'];
  }
  // A breach may be found before the data plane was confirmed to follow.
  const since = steps.at(-1)?.observedFrom ?? steps.at(-1)?.enteredAt ?? at;
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
