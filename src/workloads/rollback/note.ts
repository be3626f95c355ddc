import * as z from 'zod';
import { tryParseJson } from '../../core/json.ts';
import type { RollbackPlan, Statement } from '../../rollback/ports.ts';
import type { Workload } from '../workload.ts';

/** The annotation with the plan of a rollback, and the statements of earlier ones. */
export const ANNOTATION = 'sluice.dev/rollback';

/** How many statements of earlier rollbacks are kept. */
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
  // Ignores anything else that somebody has written there.
  return noted.safeParse(tryParseJson(text)).data;
}

/** What a plan says of its two versions, newest first, then the earlier statements. */
function sayingsOf({ plan, said }: Noted): Noted['said'] {
  const { from, to, by, at, endedAt } = plan;
  return [
    ...(endedAt === undefined ? [] : [{ id: to, verdict: 'served' as const, by, at: endedAt }]),
    // If the rollback only ended a running rollout, the workload has not left any version.
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

/** The text of the annotation for a plan. The statements of the plan that it replaces are kept. */
export function noteWith(plan: RollbackPlan, before: Noted | undefined): string {
  const past = before === undefined || before.plan.at === plan.at ? before?.said : sayingsOf(before);
  return JSON.stringify({ plan, said: (past ?? []).slice(0, MOST_STATEMENTS) } satisfies Noted);
}
