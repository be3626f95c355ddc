import { parseDuration } from '../../../core/duration.ts';
import { grpcStatuses, istioFault } from '../../../drills/faults/istio/fault.ts';
import type { IstioInjection } from '../../../drills/faults/istio/mark.ts';
import type { FaultWorld } from '../../../drills/faults/world.ts';
import type { FaultKind, FaultSettings } from './fault-kind.ts';
import type { ShortForm } from './short-form.ts';

const shareForm = /^(\d{1,3}(?:\.\d{1,4})?)%$/;
const headerForm = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[=:](.+)$/;

/** What both kinds say: the share of requests, the rules of the VirtualService, and a header that requests need to have. */
const settings = ['host', 'rule', 'header'];

function commonProblem({ on, mode, words, settings: given }: ShortForm): string | undefined {
  if (!on || !('kind' in on) || on.kind === 'httproute')
    return on
      ? 'needs a VirtualService, as the Gateway API injects no faults; else inject it into pods: pod-kill, network-delay'
      : 'needs a route: on virtualservice/NAME';
  if (on.kind !== 'virtualservice') return `is on a ${on.kind}, and needs on virtualservice/NAME`;
  if (mode) return 'hits requests and no pods: write the share before "on"';
  const [, share] = words;
  if (share !== undefined && !(Number(shareForm.exec(share)?.[1]) > 0 && Number(shareForm.exec(share)?.[1]) <= 100))
    return `has "${share}", which is no share of the requests such as 20%`;
  if (words[2] !== undefined) return `has "${words[2]}", which it does not know`;
  if (given.has('host') && given.has('rule')) return 'has both "host" and "rule": leave one out';
  if (given.has('header') && !headerForm.test(given.get('header') ?? '')) return 'needs NAME=VALUE after "header"';
  return undefined;
}

function build(
  form: ShortForm,
  injection: IstioInjection,
  { namespace, maxDuration, gitops }: FaultSettings,
  world: FaultWorld,
) {
  const { on, text, words, settings: given, lasts = maxDuration } = form;
  const [, headerName, value = ''] = headerForm.exec(given.get('header') ?? '') ?? [];
  const [host, rule] = [given.get('host'), given.get('rule')];
  return istioFault(
    {
      text,
      namespace: form.namespace ?? namespace,
      name: on && 'name' in on ? on.name : '',
      rules:
        host !== undefined ? { kind: 'host', host } : rule !== undefined ? { kind: 'rule', rule } : { kind: 'all' },
      injection,
      share: Number(shareForm.exec(words[1] ?? '100%')?.[1]),
      ...(headerName !== undefined && { header: { name: headerName.toLowerCase(), value } }),
      gitops,
      lasts,
    },
    world,
  );
}

function delayOf(form: ShortForm): number | undefined {
  return parseDuration(form.words[0] ?? '') || undefined;
}

const delay: FaultKind = {
  kind: 'istio-delay',
  about:
    'Delays a share of the requests of a VirtualService: all of its rules, those to a `host`, or a `rule`. With `header`, only requests that have it: no user is touched.',
  example: 'istio-delay 2s 50% on virtualservice/checkout for 60s',
  settings,
  isOnPods: false,
  problem: (form) => (delayOf(form) === undefined ? 'needs the delay as its first word' : commonProblem(form)),
  build: (form, given, world) => build(form, { kind: 'delay', milliseconds: delayOf(form) ?? 0 }, given, world),
};

function abortOf({ words: [status = ''] }: ShortForm): IstioInjection | undefined {
  if (grpcStatuses.includes(status)) return { kind: 'abort', grpcStatus: status };
  return /^[2-5]\d\d$/.test(status) ? { kind: 'abort', status: Number(status) } : undefined;
}

const abort: FaultKind = {
  kind: 'istio-abort',
  about:
    'Answers a share of the requests of a VirtualService with an HTTP status, or that of gRPC, in the place of the service.',
  example: 'istio-abort 503 20% on virtualservice/checkout for 60s',
  settings,
  isOnPods: false,
  problem: (form) =>
    abortOf(form)
      ? commonProblem(form)
      : 'needs an HTTP status such as 503, or one of gRPC such as UNAVAILABLE, as its first word',
  build(form, given, world) {
    const injection = abortOf(form);
    if (!injection) throw new TypeError(`"${form.text}" is refused without a status`);
    return build(form, injection, given, world);
  },
};

/** Faults of the requests themselves, by Istio. */
export const istioKinds: readonly FaultKind[] = [delay, abort];
