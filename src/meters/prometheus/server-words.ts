import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import { tryParseJson } from '../../core/json.ts';
import { excerpt } from '../../core/text.ts';
import { isHtml, quoted, type Refusal, refusedCredentials, wordsOf } from '../../remote/refusal.ts';

/**
 * The error for an answer without data: with the server's message, and the next step for this kind of server.
 *
 * @param server such as `Prometheus http://prometheus:9090`
 */
export function explainRefusal(server: string, refusal: Refusal, query: string | undefined): SluiceError {
  const { status, body } = refusal;
  const words = wordsOf(body);
  const said = quoted(words);
  const signIn =
    howToSignIn(server, words ?? '') ?? 'Check the token, user name or client certificate, and its right to query.';
  const refused = refusedCredentials(server, refusal, signIn);
  if (refused) return refused;
  if (isRedirect(status) || isHtml(body))
    return notFound(server, `answered ${describePage(refusal)}.`, nextForPage(server, refusal));
  const isApi = z.object({ status: z.literal('error') }).safeParse(tryParseJson(body)).success;
  if (isApi && query !== undefined) {
    return new SluiceError('bad-query', {
      about: `query ${query}`,
      problem: `was refused by ${server}${said}.`,
      next: 'Correct what the message names.',
    });
  }
  const problem = `answered HTTP ${status}${isApi ? '' : ', which is no answer of the Prometheus HTTP API'}${said}.`;
  return notFound(
    server,
    problem,
    'Check the address and its path prefix (Mimir: /prometheus, VictoriaMetrics: /select/0/prometheus).',
  );
}

function notFound(about: string, problem: string, next: string): SluiceError {
  return new SluiceError('not-found', { about, problem, next });
}

/** The kinds of hosted Prometheus, recognized by their address or their message, and the login that each requires. */
const signIns: readonly { readonly known: RegExp; readonly next: string }[] = [
  {
    known: /\baps-workspaces[\w.-]{0,100}\.amazonaws\.com|missing authentication token|\bSigV4\b|\baps:\w+/i,
    next: 'Amazon Managed Prometheus takes signed requests alone, of a role that may aps:QueryMetrics, aps:GetLabels and aps:GetSeries: give the connection of a gate "sigv4" with the region and the service aps; for a canary, run a SigV4 proxy (aws-sigv4-proxy) and give its address.',
  },
  {
    known: /\bmonitoring\.googleapis\.com/i,
    next: 'Google Managed Prometheus takes OAuth access tokens of an account that has the role monitoring.viewer: give one as token (google-github-actions/auth with "token_format: access_token"), which ends after an hour; or run its frontend, and give the address of the frontend.',
  },
  {
    known: /\bprometheus\.monitor\.azure\./i,
    next: 'Azure Monitor takes tokens of Microsoft Entra ID for https://prometheus.monitor.azure.com, of an identity with the role Monitoring Data Reader on the workspace: give one as token (azure/login, then az account get-access-token --resource https://prometheus.monitor.azure.com).',
  },
  {
    known: /\.grafana\.net\b/i,
    next: 'Grafana Cloud takes the number of the Prometheus instance as user name, and an access policy token with the scope metrics:read as password.',
  },
  {
    known: /\bno org id\b|\btenant\b|X-Scope-OrgID/i,
    next: 'Name the tenant in a header: X-Scope-OrgID.',
  },
];

function howToSignIn(server: string, words: string): string | undefined {
  return signIns.find(({ known }) => known.test(server) || known.test(words))?.next;
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

function describePage({ status, body, location }: Refusal): string {
  if (isRedirect(status))
    return `HTTP ${status}, a redirect${location === undefined ? '' : ` to ${withoutQuery(location)}`}`;
  const title = wordsOf(body);
  return `HTTP ${status} with a web page${title === undefined ? '' : ` ("${title}")`}, which is no answer of the Prometheus HTTP API`;
}

function nextForPage(server: string, { status, location = '' }: Refusal): string {
  if (isRedirect(status) && server.includes('http://') && location.startsWith('https://'))
    return 'Give the address with https://, if that is the same server; else the address behind the proxy that lets people log in.';
  return 'Check the address and its path prefix. Where a proxy asks people to log in, give an address behind it, or a token that it takes.';
}

/** The target of a redirect without its query, which may hold login data. */
function withoutQuery(location: string): string {
  return excerpt(location.split(/[?#]/, 1)[0] ?? '', 200);
}
