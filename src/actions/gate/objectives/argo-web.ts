import * as z from 'zod';
import {
  mapField,
  mustBe,
  orAbsent,
  type Part,
  readPart,
  scalarField,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import { type JsonCondition, type PathPart, readJsonCondition, readKubectlPath } from './json-condition.ts';

/** https://argo-rollouts.readthedocs.io/en/stable/analysis/web/ */
const web = z.looseObject({
  url: textField,
  method: orAbsent(textField),
  headers: orAbsent(z.array(mapField, mustBe('a list'))),
  body: z.unknown().optional(),
  jsonBody: z.unknown().optional(),
  timeoutSeconds: orAbsent(z.number(mustBe('a number'))),
  jsonPath: orAbsent(scalarField),
  insecure: orAbsent(z.boolean(mustBe('true or false'))),
  authentication: orAbsent(mapField),
});
type Web = z.infer<typeof web>;

/** Seconds that Argo waits where nothing is said, and that a probe waits. */
const TIMEOUT = 10;
const LEFT_OUT = 'the metric is left out';

interface Conditions {
  readonly successCondition?: string | undefined;
  readonly failureCondition?: string | undefined;
}

/** The probe that asks what a metric of the provider `web` asks; undefined, and told, where it can't be said. */
export function probeOf(
  given: Conditions & { readonly provider: Readonly<Record<string, unknown>> },
  part: Part,
  fill: (text: string) => string | undefined,
) {
  const { about, findings } = part;
  const settings = readPart(web, given.provider.web, about, findings);
  if (!settings) return undefined;
  tellUnknown(settings, Object.keys(web.shape), part);
  const url = fill(settings.url.trim());
  const target = url === undefined ? undefined : targetOf(url, part);
  const isAsked = tellRequest(settings, part);
  const json = assertionsOf(given, settings.jsonPath, part, fill);
  if (!target || !isAsked || !json) return undefined;
  findings.remarks.push(
    `${about}: ${json.length > 0 ? 'an answer that is late, is no JSON or has another status than 2xx' : 'an answer that is late or has another status than 2xx'} is a breach at once; Argo takes it for an error and asks again.`,
  );
  const { timeoutSeconds: seconds = TIMEOUT } = settings;
  const within = seconds > 0 && seconds < TIMEOUT ? { within: `${seconds}s` } : {};
  return { check: 'probe', ...target, ...within, ...(json.length > 0 && { json }) };
}

/** Tells of what a probe can't send. @returns whether what it does send means the same */
function tellRequest({ method = '', headers = [], ...settings }: Web, { about, name, findings }: Part): boolean {
  const tell = (field: string, text: string, instead: string) =>
    findings.cannotSay.push({ id: `${name}.${field}`, text: `${about}: ${text}`, instead });
  const { authentication, insecure, timeoutSeconds = TIMEOUT, body, jsonBody } = settings;
  if (headers.length > 0)
    tell('headers', 'sends headers, which a check "probe" has of a connection ("from")', 'it asks without them');
  if (authentication !== undefined && Object.keys(authentication).length > 0)
    tell('authentication', 'logs in, which a check "probe" does by a connection ("from")', 'it asks without a login');
  if (insecure) tell('insecure', 'trusts any certificate', 'the certificate has to be valid');
  if (timeoutSeconds > TIMEOUT)
    tell('timeoutSeconds', `waits ${timeoutSeconds} s for an answer`, `it waits ${TIMEOUT} s`);
  const isGet = (method === '' || method === 'GET') && body === undefined && jsonBody === undefined;
  if (!isGet) tell('method', `sends ${shown(method || 'a body')}, and a gate asks by GET alone`, LEFT_OUT);
  return isGet;
}

/** A Service of the cluster, which runners do not reach by its name, is asked through the API server. */
function targetOf(text: string, { about, findings }: Part) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    findings.problems.push(`${about}: "url" is no URL that begins with http:// or https:// and has no login in it`);
    return undefined;
  }
  const [, service, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?\.?$/.exec(url.hostname) ?? [];
  if (service === undefined) return { url: url.href };
  if (url.protocol === 'https:') {
    findings.remarks.push(`${about}: ${shown(url.host)} is a name of the cluster, which this runner has to reach.`);
    return { url: url.href };
  }
  findings.remarks.push(
    `${about}: ${shown(url.host)} is a Service of the cluster: it is asked through the API server.`,
  );
  return { service: `${namespace}/${service}:${url.port || 80}`, path: `${url.pathname}${url.search}` };
}

/** What has to hold of the answer; undefined, and told, where that can't be said. */
function assertionsOf(
  { successCondition = '', failureCondition = '' }: Conditions,
  jsonPath: string | undefined,
  part: Part,
  fill: (text: string) => string | undefined,
) {
  const { about, name, findings } = part;
  const path = pathOf(jsonPath, part, fill);
  const read = (text: string, holds: boolean) => {
    const filled = fill(text.trim());
    if (filled === undefined || path === undefined) return undefined;
    const condition = filled === '' ? nothing : readJsonCondition(filled, path, holds);
    if (!condition) {
      const told = `${about}: its condition "${shown(filled)}" is more than comparisons of values that all have to hold`;
      findings.cannotSay.push({ id: `${name}.condition`, text: told, instead: LEFT_OUT });
    }
    return condition;
  };
  const [success, failure] = [read(successCondition, true), read(failureCondition, false)];
  if (!success || !failure) return undefined;
  const all = [success, failure];
  if (all.some(({ comparesWhole }) => comparesWhole) && jsonPath === undefined) {
    const text = `${about}: compares the whole answer, which may be no JSON, with a text`;
    findings.cannotSay.push({ id: `${name}.text`, text, instead: 'the answer has to be JSON' });
  }
  if (all.some(({ readsText }) => readsText)) {
    const text = `${about}: its condition reads a number from a text, too`;
    findings.cannotSay.push({ id: `${name}.asFloat`, text, instead: 'a text is a breach' });
  }
  if (successCondition.trim() !== '' && failureCondition.trim() !== '') {
    const text = `${about}: a result may be neither success nor failure`;
    findings.cannotSay.push({ id: `${name}.inconclusive`, text, instead: 'such a result is a breach' });
  }
  return all.flatMap(({ assertions }) => assertions);
}

const nothing: JsonCondition = { assertions: [], readsText: false, comparesWhole: false };

function pathOf(
  jsonPath = '{$}',
  { about, name, findings }: Part,
  fill: (text: string) => string | undefined,
): PathPart[] | undefined {
  const filled = fill(jsonPath);
  if (filled === undefined) return undefined;
  const path = readKubectlPath(filled);
  if (!path) {
    const text = `${about}: its jsonPath "${shown(filled)}" is more than the way to one value`;
    findings.cannotSay.push({ id: `${name}.jsonPath`, text, instead: LEFT_OUT });
  }
  return path;
}
