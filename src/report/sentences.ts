import type { IntervalJudged, Looked, Planned, PodsDescribed, RolloutEvent, Started } from '../canary/events.ts';
import type { PodDetails, PodProblem, Verdict } from '../canary/ports.ts';
import { formatDuration } from '../core/duration.ts';
import { count } from '../core/wording.ts';
import { printPlan, printStep } from '../judge/plan-syntax.ts';
import { adviceInOneLine } from './copyable.ts';
import { namedSubject, shortCommit, versionsText } from './subject.ts';

export interface Sentence {
  readonly level: 'info' | 'good' | 'warning' | 'error';
  readonly text: string;
}

/** The words for a verdict. */
export const verdictNames: Readonly<Record<Verdict, string>> = {
  promoted: 'Promoted',
  'rolled-back': 'Rolled back',
  frozen: 'Frozen',
  held: 'Held',
};

/** The text for an event, on one line: the same in the log and in the report's timeline. */
export function sentenceOf(event: Exclude<RolloutEvent, IntervalJudged | Looked | Planned | PodsDescribed>): Sentence {
  switch (event.type) {
    case 'started':
      return info(`${aboutText(event)}Rollout ${event.id} by ${event.by}: ${printPlan(event.plan)}`);
    case 'preflight': {
      const { canary, stable, revision } = event.arms;
      return info(
        `${event.route} will go from ${stable} to ${canary} (${revision}); ${[event.readiness.evidence, ...(event.notes ?? [])].join('; ')}`,
      );
    }
    case 'first-release':
      return warning(firstText(event));
    case 'resumed':
      return warning(
        `Goes on with what ${event.startedBy} began at ${clockTime(event.startedAt)}, now at ${event.weight} %`,
      );
    case 'step-entered':
      return info(`Step ${printStep(event.step)}: the canary is made ready for ${event.step.weight} %`);
    case 'shifted':
      return info(`${event.from} % → ${event.to} %`);
    case 'confirmed':
      return info(`The data plane follows at ${event.weight} %: ${event.evidence}`);
    case 'no-data':
      return warning(`No new data for ${span(event.at - event.since)} of ${span(event.patience)}: ${event.reason}`);
    case 'pod-problem':
      return warning(`Pods of the ${event.arm} in trouble: ${event.problems.map(podProblem).join('; ')}`);
    case 'breach':
      return error(`Breach at ${event.weight} %: ${event.opinion.check}: ${event.opinion.sentence}`);
    case 'command': {
      const { verb, by, why } = event.command;
      return warning(`${verb} by ${by}${why === '' ? '' : `: ${why}`}`);
    }
    case 'holding':
      return warning(`Holds at ${event.weight} % until it is approved: ${event.commands.approve}`);
    case 'restoring':
      return warning(`The route goes back from ${event.from} % to ${event.to} %: ${event.reason}`);
    case 'restored':
      return good(`The route's weights are as they were found, with ${event.weight} % for the canary`);
    case 'undone':
      return good('The route is as it was found, and the stable pods run the version before');
    case 'promoting':
      return info('Every step is over; the new revision becomes the stable one');
    case 'verified':
      return good(`${event.digest} serves everything: ${event.evidence}`);
    case 'warning':
      return warning(event.message);
    case 'ended':
      return {
        level: event.verdict === 'promoted' || event.passed ? 'good' : 'error',
        text: `${endText(event)}: ${event.reason}`,
      };
    case 'failed':
      return error(
        `${event.about}: ${event.problem} ${adviceInOneLine(event.next)}${event.unchanged ? ' Nothing was changed.' : ''}`,
      );
  }
}

/** Says that there was nothing to compare with, and what happens next. */
export function firstText({ about, deploys }: { readonly about: string; readonly deploys: boolean }): string {
  const then = deploys ? 'it is deployed at once' : 'it is left to the steps that follow to deploy it';
  return `First release: nothing serves yet in the place of ${about}, so there is nothing to compare with; ${then}`;
}

/** The subject of the release, as the beginning of a sentence. */
function aboutText({ arms, commit }: Started): string {
  const subject = arms && namedSubject(arms);
  const text = [
    subject?.name ?? '',
    versionsText(subject),
    commit === undefined ? '' : `(commit ${shortCommit(commit)})`,
  ];
  const told = text.filter((part) => part !== '').join(' ');
  return told === '' ? '' : `${told}. `;
}

type EndFacts = {
  readonly verdict: Verdict;
  readonly passed?: boolean | undefined;
  readonly reached: number;
  readonly weight?: number | undefined;
};

/** The verdict with the relevant weight; only the verdict where the weight is not known. */
export function endText(facts: EndFacts): string {
  const told = toldWeight(facts);
  const name = verdictNames[facts.verdict];
  return told === undefined ? name : `${name} at ${told} %`;
}

/**
 * The weight that all texts and outputs give for an end, in per cent: the highest that was reached; or the weight on the
 * route, while the canary still gets requests.
 *
 * @returns undefined where someone else has changed the route so that it shows no weight of the canary
 */
export function toldWeight({ verdict, passed, reached, weight }: EndFacts): number | undefined {
  return (verdict === 'frozen' || verdict === 'held') && !passed ? weight : reached;
}

/** Time of day in UTC: `14:03:09`. */
export function clockTime(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

/** A duration in milliseconds, rounded to seconds: `1m54s`. */
export function span(milliseconds: number): string {
  return formatDuration(Math.round(milliseconds / 1_000) * 1_000);
}

/** `1 request`, `7,830 requests` */
export function requests(number: number): string {
  return `${count(number)} ${number === 1 ? 'request' : 'requests'}`;
}

/** A failing pod with its exit code, on one line. */
export function podTitle(pod: Pick<PodDetails, 'pod' | 'container' | 'reason' | 'message' | 'exitCode'>): string {
  const said = pod.exitCode === undefined || pod.message.includes('exit code');
  return `Pod ${podProblem(pod)}${said ? '' : `, exit code ${pod.exitCode}`}`;
}

function podProblem({
  pod,
  container,
  reason,
  message,
}: Omit<PodProblem, 'container'> & { container?: string | undefined }): string {
  const where = container === undefined ? pod : `${pod}/${container}`;
  return `${where} ${reason}${message === '' ? '' : ` (${message})`}`;
}

function info(text: string): Sentence {
  return { level: 'info', text };
}

function good(text: string): Sentence {
  return { level: 'good', text };
}

function warning(text: string): Sentence {
  return { level: 'warning', text };
}

function error(text: string): Sentence {
  return { level: 'error', text };
}
