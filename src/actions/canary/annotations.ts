import type { Ended, Failed, RolloutEvent } from '../../canary/events.ts';
import { endText, sentenceOf } from '../../report/sentences.ts';

/** The part of `@actions/core` that is used here: each call becomes an annotation of the run. */
export interface Annotator {
  notice(message: string, properties: { title: string }): void;
  warning(message: string, properties: { title: string }): void;
  error(message: string, properties: { title: string }): void;
}

/** GitHub shows ten annotations of a kind per step; further warnings are only in the log. */
const MOST_WARNINGS = 8;

/** Whether an ending fails the job. `passed` comes from the event. */
export type Fails = (verdict: Ended['verdict'], passed: boolean | undefined) => boolean;

/** Annotates what a person must see without opening the log: the verdict, a failure, warnings. */
export function createAnnotations(annotate: Annotator, fails: Fails) {
  let warnings = 0;
  return (event: RolloutEvent): void => {
    if (event.type === 'warning') {
      warnings += 1;
      if (warnings <= MOST_WARNINGS) annotate.warning(event.message, { title: 'Sluice' });
    } else if (event.type === 'holding') {
      annotate.notice(sentenceOf(event).text, { title: 'Sluice: waiting for approval' });
    } else if (event.type === 'failed') {
      annotate.error(sentenceOf(event).text, { title: failureTitle(event) });
    } else if (event.type === 'ended') {
      const title = `Sluice: ${endText(event).toLowerCase()}`;
      if (fails(event.verdict, event.passed)) annotate.error(event.reason, { title });
      else annotate.notice(event.reason, { title });
    }
  };
}

function failureTitle({ unchanged }: Failed): string {
  return unchanged ? 'Sluice: nothing was changed' : 'Sluice: no verdict';
}
