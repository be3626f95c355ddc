import * as z from 'zod';
import { defineChaosKind } from './chaos-kind.ts';
import { anyText, duration, fields, flag, listOf, oneOf, quoted, texts, whole } from './fields.ts';

const base64 = anyText.refine((text) => z.base64().safeParse(text).success, {
  error: ({ input }) => `${quoted(input)} is no base64, in which a body has to be written`,
});
const pairs = listOf(listOf(anyText).length(2, { error: 'is no pair of a name and a text' })).optional();
const status = whole(100, 599);
const replaceable = {
  path: anyText.optional(),
  method: anyText.optional(),
  code: status.optional(),
  body: base64.optional(),
  queries: texts.optional(),
  headers: texts.optional(),
};
const patch = {
  body: fields({ type: oneOf(['JSON']), value: anyText }).optional(),
  queries: pairs,
  headers: pairs,
};
const tls = {
  secretName: anyText,
  secretNamespace: anyText,
  certificateName: anyText,
  privateKeyName: anyText,
  caName: anyText.optional(),
};

const actions = ['abort', 'delay', 'replace', 'patch'] as const;

/** https://chaos-mesh.org/docs/simulate-http-chaos-on-kubernetes/ */
export const httpChaos = defineChaosKind({
  kind: 'HTTPChaos',
  plural: 'httpchaos',
  field: 'httpChaos',
  rules: { kind: 'PodHttpChaos', plural: 'podhttpchaos', lists: ['rules'] },
  parameters: {
    target: oneOf(['Request', 'Response']),
    port: whole(1, 65_535),
    path: anyText.optional(),
    method: oneOf(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT']).optional(),
    code: status.optional(),
    request_headers: texts.optional(),
    response_headers: texts.optional(),
    abort: flag.optional(),
    delay: duration.optional(),
    replace: fields(replaceable).optional(),
    patch: fields(patch).optional(),
    tls: fields(tls).optional(),
  },
  traits: (parameters) => ({
    problems: actions.every((action) => !parameters[action])
      ? [`abort is missing, or another of what it can do: ${actions.join(', ')}`]
      : [],
  }),
});
