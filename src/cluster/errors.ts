import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import type { HttpResponse } from '../core/http.ts';
import { tryParseJson } from '../core/json.ts';
import { endsOf, excerpt } from '../core/text.ts';
import { apiGroup, describe, type ObjectReference } from './resources.ts';

/**
 * A refusal by the API server. `status` is the HTTP status, `reason` the server's own word for it (`Conflict`, `Invalid`, …),
 * `body` the whole answer. Through the API server's proxy, the body is that of the server behind it.
 */
export class ApiError extends SluiceError {
  readonly status: number;
  readonly reason: string;
  readonly body: string;

  constructor(
    code: SluiceError['code'],
    response: HttpResponse,
    reason: string,
    detail: ConstructorParameters<typeof SluiceError>[1],
  ) {
    super(code, detail);
    this.status = response.status;
    this.reason = reason;
    this.body = response.body;
  }
}

export interface Subject {
  readonly verb: string;
  readonly reference: ObjectReference;
  readonly subresource?: string;
}

export function refusal(subject: Subject, response: HttpResponse): ApiError {
  const { message: words, reason } = parseStatus(response.body);
  const message = endsOf(words);
  const { status: code } = response;
  const about =
    subject.reference.name === ''
      ? `${subject.reference.type.plural}${inNamespace(subject.reference.namespace, ' in ')}`
      : describe(subject.reference);
  const said = message === '' ? `HTTP ${code}` : message;
  if (code === 401) {
    return new ApiError('forbidden', response, reason, {
      about: 'Kubernetes API server',
      problem: 'does not accept the credentials (401).',
      next: 'Log in again, or renew the token of the kubeconfig.',
    });
  }
  if (isDenial(response)) {
    const { type, namespace } = subject.reference;
    const resource = type.plural + (subject.subresource ? `/${subject.subresource}` : '');
    return new ApiError('forbidden', response, reason, {
      about,
      problem: `may not be accessed: the right to ${subject.verb} ${resource}${inNamespace(namespace)} is missing.`,
      next: `Add to the ${namespace === '' ? 'ClusterRole' : 'Role'} of these credentials: ${rbacRule({ apiGroup: apiGroup(type), resource, verbs: [subject.verb] })}`,
    });
  }
  if (code === 404) {
    return new ApiError('not-found', response, reason, {
      about,
      problem: 'does not exist.',
      next: isUnserved(subject, reason, said)
        ? `The cluster does not serve ${subject.reference.type.apiVersion}; install its custom resource definitions.`
        : 'Check the name and the namespace.',
    });
  }
  const testFailed = code === 422 && /testing (value|path)|test failed|the server rejected our request/i.test(said);
  if (code === 409 || testFailed) {
    return new ApiError('conflict', response, reason, {
      about,
      problem: `was changed by somebody else in the meantime (${said}).`,
      next: 'Run again; if it happens each time, find out who else writes this object.',
    });
  }
  return new ApiError('invalid-input', response, reason, {
    about,
    problem: `was refused by the API server: ${said}.`,
    next: 'Correct what the message names and run again.',
  });
}

/** Redirects are never followed: they lead to another server than the one that was asked. */
export function redirect({ reference }: Subject, response: HttpResponse): ApiError {
  const { location } = response.headers;
  const where = typeof location === 'string' ? ` to ${excerpt(location.split(/[?#]/, 1)[0] ?? '', 200)}` : '';
  return new ApiError('not-found', response, '', {
    about: describe(reference),
    problem: `answers with a redirect${where} (HTTP ${response.status}), which is not followed.`,
    next: 'Give the path that it leads to.',
  });
}

/** Whether RBAC, or another authorizer, refused. Admission rules and quotas also answer 403, with other words. */
export function isDenial({ status: code, body }: HttpResponse): boolean {
  return code === 403 && / cannot \w+ resource /.test(parseStatus(body).message);
}

/**
 * Whether a ResourceQuota is so new that its controller has not counted yet what is used of it.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go
 */
export function saysUncounted({ status: code, body }: HttpResponse): boolean {
  return code === 403 && parseStatus(body).message.includes('status unknown for quota: ');
}

/**
 * Whether a server-side apply did not match the kind's schema. The API server answers it with a 500, and a retry would fail as
 * well.
 */
export function saysWrongSchema({ status: code, body }: HttpResponse): boolean {
  return code === 500 && parseStatus(body).message.includes('failed to create typed patch object');
}

/**
 * The API server's words where a pod's disruption budgets refuse its eviction; undefined for any other answer. The server asks to try
 * again, which is left to the caller: another pod has to get ready first. Of a pod with several budgets it is an error of the server,
 * and for good.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/registry/core/pod/storage/eviction.go
 */
export function budgetWords({ status: code, body }: Pick<HttpResponse, 'status' | 'body'>): string | undefined {
  const { message = '', details } = status.safeParse(tryParseJson(body)).data ?? {};
  if (code === 500) return message.includes('more than one PodDisruptionBudget') ? excerpt(message, 300) : undefined;
  const cause = details?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
  return code === 429 && cause ? excerpt(cause.message || message, 300) : undefined;
}

/**
 * The API server's message for a failure that may pass, such as that of a conversion webhook; undefined if the answer is not
 * the API server's own.
 */
export function wordsOf({ body }: HttpResponse): string | undefined {
  const said = status.safeParse(tryParseJson(body)).data?.message ?? '';
  return said === '' ? undefined : excerpt(said, 300);
}

/** Whether a 404 is about the object. A load balancer without a backend also answers 404, for any path. */
export function saysNotFound(body: string): boolean {
  return (
    z.looseObject({ kind: z.literal('Status') }).safeParse(tryParseJson(body)).success ||
    /^404 page not found\s*$/.test(body)
  );
}

/** An API server that does not know the kind answers in plain text. Through a proxy, a plain text may come from anybody. */
function isUnserved({ subresource }: Subject, reason: string, said: string): boolean {
  const plainText = subresource === undefined && reason === '';
  return plainText || said.includes('could not find the requested resource');
}

const status = z.looseObject({
  message: z.string().default(''),
  reason: z.string().default(''),
  details: z
    .looseObject({
      causes: z.array(z.looseObject({ reason: z.string().optional(), message: z.string().optional() })).optional(),
    })
    .optional(),
});

function parseStatus(body: string): { message: string; reason: string } {
  // Proxies and load balancers answer in HTML; its beginning says enough.
  return status.safeParse(tryParseJson(body)).data ?? { message: body.slice(0, 200), reason: '' };
}

function inNamespace(namespace: string, words = ' in namespace '): string {
  return namespace === '' ? '' : `${words}${namespace}`;
}

/** One rule of a Role, in YAML's flow style so that it fits into a line. */
function rbacRule(rule: { apiGroup: string; resource: string; verbs: readonly string[] }): string {
  return `{apiGroups: ["${rule.apiGroup}"], resources: ["${rule.resource}"], verbs: [${rule.verbs.join(', ')}]}`;
}
