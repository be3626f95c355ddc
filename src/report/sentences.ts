import { formatDuration } from '../canary/duration.ts';
import type { IntervalJudged, Planned, RolloutEvent } from '../canary/events.ts';
import { printPlan, printStep } from '../canary/plan-syntax.ts';
import type { PodProblem, Verdict } from '../canary/ports.ts';
import { count } from '../judge/wording.ts';

export interface Sentence {
  readonly level: 'info' | 'good' | 'warning' | 'error';
  readonly text: string;
}

/** A verdict as people say it. */
export const verdictNames: Readonly<Record<Verdict, string>> = {
  promoted: 'Promoted',
  'rolled-back': 'Rolled back',
  frozen: 'Frozen',
  held: 'Held',
};

/** What an event says, on one line: the same words in the log and in the report's timeline. */
export function sentenceOf(event: Exclude<RolloutEvent, IntervalJudged | Planned>): Sentence {
  switch (event.type) {
    case 'started':
      return info(`Rollout ${event.id} by ${event.by}: ${printPlan(event.plan)}`);
    case 'preflight': {
      const { canary, stable, revision } = event.arms;
      return info(`${event.route} will go from ${stable} to ${canary} (${revision}); ${event.readiness.evidence}`);
    }
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
        text: `${verdictNames[event.verdict]} at ${weightOfVerdict(event)} %: ${event.reason}`,
      };
    case 'failed':
      return error(`${event.about}: ${event.problem} ${event.next}${event.unchanged ? ' Nothing was changed.' : ''}`);
  }
}

/** The weight that a verdict is told with: where it stays, or the highest that was reached before it went back. */
export function weightOfVerdict({ verdict, passed, reached, weight }: Verdicted): number {
  return (verdict === 'held' || verdict === 'frozen') && !passed ? weight : reached;
}

interface Verdicted {
  readonly verdict: Verdict;
  readonly passed?: boolean | undefined;
  readonly reached: number;
  readonly weight: number;
}

/** `14:03:09`: time of day in UTC. */
export function clockTime(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

/** `1m54s`: a span in milliseconds to the second. */
export function span(milliseconds: number): string {
  return formatDuration(Math.round(milliseconds / 1_000) * 1_000);
}

/** `1 request`, `7,830 requests` */
export function requests(number: number): string {
  return `${count(number)} ${number === 1 ? 'request' : 'requests'}`;
}

function podProblem({ pod, container, reason, message }: PodProblem): string {
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
