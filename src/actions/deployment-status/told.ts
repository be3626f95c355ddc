import { readFile } from 'node:fs/promises';
import { messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { type Report, reportSchema } from '../../report/canary-report-schema.ts';
import type { Told } from '../../report/release-texts.ts';
import type { Annotate } from '../../runner/define.ts';
import type { DeploymentStatusInputs } from './inputs.ts';

/** The state from the inputs; undefined where they name none yet. */
export async function toldBy(
  { state, verdict, report: path, description }: DeploymentStatusInputs,
  warn: Annotate,
): Promise<Told | undefined> {
  const found = path === undefined ? undefined : await readReport(path, verdict !== undefined, warn);
  const { outcome, failure } = found ?? {};
  const reason = description ?? outcome?.reason ?? (failure && `${failure.about}: ${failure.problem}`) ?? '';
  const common = { reason, report: found };
  if (state !== 'auto') return { ...common, state };
  const ended = verdict ?? outcome?.verdict;
  if (ended !== undefined) return { ...common, verdict: ended, state: statesOf[ended] };
  return failure && { ...common, state: 'error' };
}

const statesOf = {
  promoted: 'success',
  'rolled-back': 'failure',
  // A person has to decide; GitHub has no state for that.
  frozen: 'in_progress',
  held: 'in_progress',
} as const;

/** The state of a job that has reported no other. A given state stays if the job succeeded. */
export function toldByJob({ state, 'job-status': status }: DeploymentStatusInputs): Told | undefined {
  const rest = 'before anybody told how the release went';
  switch (status) {
    case 'success':
      return state === 'auto' ? { state: 'success', reason: 'the job ended well' } : undefined;
    case 'failure':
      return { state: 'failure', reason: `the job failed ${rest}` };
    case 'cancelled':
      return { state: 'error', reason: `the job was cancelled ${rest}` };
    default:
      return { state: 'error', reason: `the job ended ${rest}` };
  }
}

/** Reads the report. A missing file is no problem unless a verdict is given. */
async function readReport(path: string, expected: boolean, warn: Annotate): Promise<Report | undefined> {
  try {
    return reportSchema.parse(parseJson(await readFile(path, 'utf8')));
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (expected || !isAbsent)
      warn(`The report ${path} can't be read, so its figures are left out: ${messageOf(error).slice(0, 300)}`);
    return undefined;
  }
}
