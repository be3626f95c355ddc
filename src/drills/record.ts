import * as z from 'zod';
import { jsonSchema } from '../core/json.ts';
import { drillVerdicts } from './events.ts';

const instant = z.number().min(0).max(8.64e15);

const leftFault = z.object({ kind: z.string(), text: z.string(), mark: jsonSchema });
/** A fault that is injected, or about to be. */
export type LeftFault = Readonly<z.infer<typeof leftFault>>;

export const drillRecord = z.object({
  schema: z.literal(1),
  /** The run that wrote it. */
  id: z.string(),
  startedBy: z.string(),
  startedAt: instant,
  /** Written before the writes of that phase. */
  phase: z.enum(['begun', 'ended']),
  /** Faults that are not yet removed. Each is saved before it is injected. */
  faults: z.array(leftFault),
  endedAt: instant.optional(),
  verdict: z.enum(drillVerdicts).optional(),
  reason: z.string().optional(),
});

/** What a drill has changed in the cluster: enough for another process to take it back. */
export type DrillRecord = Readonly<z.infer<typeof drillRecord>>;

export function isUnfinished(record: DrillRecord | undefined): record is DrillRecord {
  return record !== undefined && record.phase !== 'ended';
}
