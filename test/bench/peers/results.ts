import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { peersDir } from '../../../lab/cluster/layout.ts';
import { faultNames } from './faults.ts';
import { configNames, toolNames } from './tool.ts';

const resultsFile = join(peersDir, 'results.jsonl');

/** Milliseconds from one moment to the next, on the way from the first bad answer to the last canary request. */
const breakdown = z.object({
  /** From the first bad answer until as many were given as it takes to prove the breach. */
  evidence: z.number(),
  /** Until the counters were read, by Prometheus or by Sluice itself. */
  measured: z.number(),
  /** Until Sluice had judged them. */
  decided: z.number(),
  /** Until the API server told of the route that was written. */
  written: z.number(),
  /** Until the last request that the canary answered was sent. */
  followed: z.number(),
});
export type Breakdown = z.infer<typeof breakdown>;

const result = z.object({
  /** Of the run, and of the files that belong to it. */
  id: z.string(),
  tool: z.enum(toolNames),
  config: z.enum(configNames),
  fault: z.enum(faultNames),
  at: z.string(),
  verdict: z.enum(['promoted', 'rolled-back', 'undecided']),
  reason: z.string(),
  /** Seconds from the release to the tool's end. */
  duration: z.number(),
  /** All that were sent, from before the release until after its end. */
  requests: z.number(),
  /** Answered by the new version. Of a promoted release that is more than its canary. */
  canary: z.number(),
  /** Those of them that are errors. */
  bad: z.number(),
  /** Seconds from the first request to the canary to the last one; of a crash loop, from its beginning. */
  seconds: z.number(),
  /** Requests without an answer, or with one that no version gave. */
  lost: z.number(),
  /** Milliseconds that 99 % of stable's answers took at most: a lab that is too busy shows here. */
  p99: z.number(),
  breakdown: breakdown.optional(),
});
export type Result = z.infer<typeof result>;

/** Milliseconds that most of stable's answers may take in a measurement that counts: the lab shares two cores with its load. */
const LATE = 500;

/**
 * Whether the lab was too busy for a release to mean anything. It is measured again, and left out of the tables. The samples
 * are about minutes, which no delay of that kind changes.
 */
export function wasLate({ p99, config }: Result): boolean {
  return p99 > LATE && config !== 'sample';
}

export async function keepResult(one: Result): Promise<void> {
  await mkdir(peersDir, { recursive: true });
  await appendFile(resultsFile, `${JSON.stringify(one)}\n`);
}

export async function readResults(): Promise<Result[]> {
  const text = await readFile(resultsFile, 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => result.parse(JSON.parse(line)));
}
