import type { KubernetesObject } from '../../../cluster/schema.ts';
import { SluiceError } from '../../../core/errors.ts';
import { isRecord, type Json } from '../../../core/json.ts';
import type { IstioFaultSettings } from './mark.ts';
import { aboutOf, describeHttpRule, type HttpRule, httpRules } from './rules.ts';

/**
 * Refuses where no chosen rule gets requests, as an earlier rule takes them all.
 *
 * @throws SluiceError `unsupported`
 */
export function refuseUselessRules(object: KubernetesObject, chosen: readonly HttpRule[]): void {
  const all = httpRules(object);
  const first = all.find(takesAll);
  if (first === undefined || chosen.some(({ index }) => index <= first.index)) return;
  throw new SluiceError('unsupported', {
    about: `${aboutOf(object)} ${chosen.map(describeHttpRule).join(', ')}`,
    problem: `gets no requests: ${describeHttpRule(first)} before it takes them all.`,
    next: 'Choose that rule, or put the others before it.',
  });
}

/** Whether a rule takes every request: it has no conditions, or one that every path fulfils. */
function takesAll({ match }: HttpRule): boolean {
  if (match.length === 0) return true;
  return match.some((one) => {
    const conditions = Object.entries(one).filter(([field]) => field !== 'name' && field !== 'statPrefix');
    return conditions.every(([field, value]) => field === 'uri' && isRecord(value) && value.prefix === '/');
  });
}

/** What the reader should know of the chosen rules, one sentence each. */
export function warningsOf(chosen: readonly HttpRule[], settings: IstioFaultSettings): string[] {
  const { injection, share } = settings;
  const first = chosen.find(takesAll);
  const shadowed = first === undefined ? [] : chosen.filter(({ index }) => index > first.index);
  const retried = chosen.filter(({ raw }) => isSet(raw.retries, 'attempts'));
  const limited = chosen.filter(({ raw }) => raw.timeout !== undefined);
  return [
    ...(first === undefined
      ? []
      : shadowed.map(
          (rule) => `${describeHttpRule(rule)} gets no requests: ${describeHttpRule(first)} takes them all.`,
        )),
    // The filter that injects comes before the one that retries, and counts the time of a request.
    ...(injection.kind === 'abort'
      ? retried.map(
          (rule) =>
            `${describeHttpRule(rule)} has retries, but the proxy that injects an abort does not retry it: every one reaches the caller.`,
        )
      : limited.map(
          (rule) =>
            `${describeHttpRule(rule)} has a timeout, but the proxy that injects a delay does not count it: the delay comes on top.`,
        )),
    ...(injection.kind === 'abort' && 'grpcStatus' in injection
      ? ['Only gRPC callers feel a gRPC status: others get HTTP 200 with the text "fault filter abort".']
      : []),
    ...(share < 1
      ? [`A share of ${share} % is 1 request in ${Math.round(100 / share)}: it takes much traffic to be felt.`]
      : []),
  ];
}

function isSet(retries: Json | undefined, field: string): boolean {
  return isRecord(retries) && retries[field] !== 0;
}
