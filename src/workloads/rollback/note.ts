import * as z from 'zod';
import { tryParseJson } from '../../core/json.ts';
import type { RollbackPlan, Statement } from '../../rollback/ports.ts';
import type { Workload } from '../workload.ts';

/** Holds the plan of a rollback, and what the ones before it have said. */
export const ANNOTATION = 'sluice.dev/rollback';

/** What earlier rollbacks have said that is kept. */
const MOST_STATEMENTS = 10;

const noted = z.object({
  plan: z.object({
    wanted: z.string(),
    from: z.string(),
    to: z.string(),
    by: z.string(),
    at: z.number(),
    endedAt: z.number().optional(),
  }),
  said: z.array(
    z.object({ id: z.string(), verdict: z.enum(['rolled-back', 'served']), by: z.string(), at: z.number() }),
  ),
});
type Noted = z.infer<typeof noted>;

export function notedOn({ metadata }: Workload): Noted | undefined {
  const text = metadata.annotations?.[ANNOTATION];
  if (text === undefined) return undefined;
  // Somebody may have written something else there.
  return noted.safeParse(tryParseJson(text)).data;
}

/** What a plan says of two versions, newest first, and what was said before it. */
function sayingsOf({ plan, said }: Noted): Noted['said'] {
  const { from, to, by, at, endedAt } = plan;
  return [
    ...(endedAt === undefined ? [] : [{ id: to, verdict: 'served' as const, by, at: endedAt }]),
    // Where a rollout under way was ended and nothing else, no version of the workload was left.
    ...(from === to ? [] : [{ id: from, verdict: 'rolled-back' as const, by, at }]),
    ...said,
  ];
}

export function statementsOf(found: Noted): Statement[] {
  return sayingsOf(found).map(({ id, verdict, by, at }) => ({
    verdict,
    at,
    said: verdict === 'served' ? `gone back to by ${by}` : `left by hand by ${by}`,
    isAbout: (revision) => revision.id === id,
  }));
}

/** The text of the annotation for a plan. What the plan before it says is kept when this one takes its place. */
export function noteWith(plan: RollbackPlan, before: Noted | undefined): string {
  const past = before === undefined || before.plan.at === plan.at ? before?.said : sayingsOf(before);
  return JSON.stringify({ plan, said: (past ?? []).slice(0, MOST_STATEMENTS) } satisfies Noted);
}
