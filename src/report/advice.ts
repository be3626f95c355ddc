import type { Report } from './canary-report-schema.ts';
import { adviceOf } from './copyable.ts';
import { block, bold, code, plain } from './markdown.ts';
import { clockTime } from './sentences.ts';

/**
 * A part of what a person is told to do: words of ours; text of others, as text or to be copied; or a weight that must not be
 * overlooked.
 */
type Piece = string | { readonly text: string } | { readonly code: string } | { readonly strong: string };

/** One thing that a person can do, and lines of YAML to copy for it, if there are any. */
export interface NextStep {
  readonly pieces: readonly Piece[];
  readonly copy: string;
}

/** What a person can do now; nothing after a promotion. */
export function nextSteps(report: Report): NextStep[] {
  const { outcome, failure, breach } = report;
  if (failure) return [adviceStep(failure.next), ...(failure.unchanged ? [] : leftBehind(report))];
  switch (outcome?.verdict) {
    case 'rolled-back':
      return [
        say('Stable serves all traffic; there is nothing to repair.'),
        ...(breach ? breachSteps(report, breach) : []),
        say('Release again when the cause is gone: run the workflow again.'),
      ];
    case 'frozen':
    case 'held':
      return undecided(outcome);
    default:
      return [];
  }
}

type Outcome = NonNullable<Report['outcome']>;

/** What can be done about a rollout that waits for somebody to decide. */
function undecided({ left, passed, weight }: Outcome): NextStep[] {
  if (left) {
    return [
      ...left.map(({ object, shows }) => say({ code: object }, ' is still of the new version: ', { text: shows }, '.')),
      say(
        'Give it the version before by hand (',
        { code: 'kubectl rollout undo' },
        '), or mend what keeps the new one there: an admission rule, an operator, pods that do not start.',
      ),
      say('Then run the workflow again: what is left of this rollout is taken back first.'),
    ];
  }
  if (passed) {
    return [
      say('Deploy the stable workload with the new version, and let it get ready.'),
      say('Then give it the route: run this step again with ', { code: 'mode: finish' }, '.'),
      say('To go back to the version before instead: ', { code: 'mode: undo' }, '.'),
    ];
  }
  return [
    weight === undefined
      ? say('The weights of the route are what somebody else has made them, until somebody decides.')
      : say('The canary still gets ', { strong: `${weight} %` }, ' of the requests, until somebody decides.'),
    say('To go on from there: run the workflow again with ', { code: 'on-interrupted: resume' }, '.'),
    say('To go back to stable: run it again with ', { code: 'on-interrupted: undo' }, '.'),
  ];
}

function say(...pieces: readonly Piece[]): NextStep {
  return { pieces, copy: '' };
}

/** What an error says can be done about it. */
export function adviceStep(next: string): NextStep {
  const { sentence, copy } = adviceOf(next);
  return { pieces: [{ text: sentence }], copy };
}

/** A list item as Markdown, followed by the text to copy, if any. */
export function stepMarkdown({ pieces, copy }: NextStep): string {
  const text = pieces
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      if ('code' in piece) return code(piece.code);
      return 'text' in piece ? plain(piece.text) : bold(piece.strong);
    })
    .join('');
  return copy === '' ? text : `${text}\n\n${indented(block('yaml', copy))}`;
}

/** The same of an error's advice. */
export function adviceLine(next: string): string {
  return stepMarkdown(adviceStep(next));
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

function breachSteps({ steps, pods }: Report, { at, opinion }: NonNullable<Report['breach']>): NextStep[] {
  if (opinion.check === 'pods') {
    return pods && pods.length > 0
      ? [say('What the pods wrote last, and what Kubernetes told of them, is below: they themselves are gone.')]
      : [say('The pods are gone. Nothing of their logs and events could be kept: look where your logs are gathered.')];
  }
  // A breach may be found before the data plane was confirmed to follow.
  const since = steps.at(-1)?.observedFrom ?? steps.at(-1)?.enteredAt ?? at;
  return [
    say(`Look at the canary's logs and traces between ${clockTime(since)} and ${clockTime(at)} UTC.`),
    say(
      'If such a difference is acceptable, say so: ',
      { code: 'tolerance' },
      ' is the accepted ratio to stable, ',
      { code: 'absolute-tolerance' },
      ' the accepted excess.',
    ),
  ];
}

function leftBehind({ weights }: Report): NextStep[] {
  const weight = weights.at(-1)?.weight ?? 0;
  return [
    say(
      'The route was last seen with ',
      { strong: `${weight} %` },
      ' for the canary. The record in the cluster knows what was found: run the workflow again and it is undone or resumed.',
    ),
  ];
}
