import * as z from 'zod';
import { jsonSchema } from '../core/json.ts';

const instant = z.number().min(0).max(8.64e15);

/** What a drill writes is far below: one fault is injected at a time. */
const MOST_FAULTS = 100;
const text = z.string().max(5_000);

const leftFault = z.object({ kind: text, text, mark: jsonSchema });
/** A fault that is injected, or about to be. */
export type LeftFault = Readonly<z.infer<typeof leftFault>>;

export const drillRecord = z.object({
  schema: z.literal(1),
  /** The run that wrote it. */
  id: text,
  startedBy: text,
  startedAt: instant,
  /** Faults that are not yet removed. Each is saved before it is injected. */
  faults: z.array(leftFault).max(MOST_FAULTS),
});

/**
 * What a drill has changed in the cluster: enough for another process to take it back. It is deleted at the drill's end, so that one
 * that is there is of a drill that is under way, or that was stopped.
 */
export type DrillRecord = Readonly<z.infer<typeof drillRecord>>;
