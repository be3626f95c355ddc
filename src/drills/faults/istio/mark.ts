import * as z from 'zod';
import type { GitOpsSetting } from '../../../cluster/gitops.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { type Json, jsonSchema, stringifyJson, tryParseJson, tryShape } from '../../../core/json.ts';

/** What is injected into requests. */
export type IstioInjection =
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'abort'; readonly status: number }
  /** The name of a status of gRPC: `UNAVAILABLE`. */
  | { readonly kind: 'abort'; readonly grpcStatus: string };

/** The http rules that are faulted: all that have destinations, those that lead to a host, or one by its name or place (`http[0]`). */
type RuleChoice =
  | { readonly kind: 'all' }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'rule'; readonly rule: string };

export interface IstioFaultSettings {
  /** The VirtualService. */
  readonly namespace: string;
  readonly name: string;
  readonly rules: RuleChoice;
  readonly injection: IstioInjection;
  /** Per cent of the requests, above 0 and at most 100. Envoy knows ten-thousandths of a per cent. */
  readonly share: number;
  /** Only requests with this header are faulted, so that no user is: the faulted arm of a control arm. */
  readonly header?: { readonly name: string; readonly value: string };
  readonly gitops?: GitOpsSetting;
  /** The proxies that apply the route, where its gateways do not tell: the pods of callers in the mesh. */
  readonly proxies?: { readonly namespace: string; readonly selector: string };
  /** Milliseconds. */
  readonly lasts: number;
  /** The fault in its short form. */
  readonly text: string;
}

/** The `fault` of a rule, as Istio reads it. */
export function faultField({ injection, share }: Pick<IstioFaultSettings, 'injection' | 'share'>): Json {
  const percentage = { value: share };
  if (injection.kind === 'delay') return { delay: { percentage, fixedDelay: `${injection.milliseconds / 1_000}s` } };
  return {
    abort: {
      percentage,
      ...('status' in injection ? { httpStatus: injection.status } : { grpcStatus: injection.grpcStatus }),
    },
  };
}

/** One rule that has the fault: by itself, or in a copy before it that only takes requests with the header. */
const injectedRule = z.object({
  how: z.enum(['field', 'copy']),
  /** Its place for a reader, when it was written: `http[1]`. */
  place: z.string().max(50),
  name: z.string().nullable(),
  /** Digests of what the rule matches, and of the hosts that it leads to. */
  match: z.string().max(64),
  hosts: z.string().max(64),
});
export type InjectedRule = Readonly<z.infer<typeof injectedRule>>;

/** The most rules of one VirtualService that are faulted. */
export const MOST_RULES = 500;

/** What the VirtualService itself says of the fault that it has. */
const written = z.object({
  drill: z.string(),
  run: z.string(),
  fault: jsonSchema,
  rules: z.array(injectedRule).max(MOST_RULES),
});
export type WrittenFault = Readonly<Omit<z.infer<typeof written>, 'rules'>> & {
  readonly rules: readonly InjectedRule[];
};

export const FAULT_ANNOTATION = 'sluice.dev/drill-fault';

export function annotationText(fault: WrittenFault): string {
  return stringifyJson(fault);
}

/** What the annotation says: undefined without one, `unreadable` for one that Sluice has not written so. */
export function writtenFault({ metadata }: KubernetesObject): WrittenFault | 'unreadable' | undefined {
  const text = metadata.annotations?.[FAULT_ANNOTATION];
  return text === undefined ? undefined : (tryShape(written, tryParseJson(text)) ?? 'unreadable');
}

/** The counters of a proxy at one time; null for one that it does not export. */
const proxyCounters = z.object({
  uid: z.string(),
  faults: z.number().nullable(),
  requests: z.number().nullable(),
});
export type ProxyCounters = Readonly<z.infer<typeof proxyCounters>>;

export const istioMark = z.object({
  kind: z.enum(['istio-delay', 'istio-abort']),
  namespace: z.string().min(1),
  name: z.string().min(1),
  run: z.string(),
  fault: jsonSchema,
  rules: z.array(injectedRule).max(MOST_RULES),
  /** What the proxies had counted before the injection. */
  counters: z.array(proxyCounters).max(1_000),
  /** Other faults of the same kind, which the proxies count as well: `VirtualService shop/other`. */
  others: z.array(z.string()).max(1_000),
});
export type IstioMark = Readonly<z.infer<typeof istioMark>>;
