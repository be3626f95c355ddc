// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions are what users write
import type * as z from 'zod';
import type { Connection } from '../../remote/connection.ts';
import { input } from '../../runner/input-schema.ts';
import { headers, text } from '../../runner/input-types.ts';
import type { GivenInputs } from '../../runner/parse-inputs.ts';
import { headerSecrets, isContent } from '../../runner/secrets.ts';

/** How Prometheus is reached. */
export const prometheusInputs = {
  prometheus: input(text, {
    group: 'metrics',
    description:
      'Address of Prometheus: a URL, or `k8s://NAMESPACE/SERVICE:PORT` to reach a private one through the API server.',
    example: 'k8s://monitoring/prometheus:9090',
  }),
  'prometheus-token': input(text, {
    group: 'metrics',
    description: 'Bearer token for Prometheus. Masked.',
    example: '${{ secrets.PROMETHEUS_TOKEN }}',
  }),
  'prometheus-token-file': input(text, {
    group: 'metrics',
    description: 'File with a bearer token, read again for every request.',
    example: '/var/run/secrets/tokens/prometheus',
  }),
  'prometheus-username': input(text, {
    group: 'metrics',
    description: 'User name for basic authentication.',
    example: 'sluice',
  }),
  'prometheus-password': input(text, {
    group: 'metrics',
    description: 'Password for basic authentication. Masked.',
    example: '${{ secrets.PROMETHEUS_PASSWORD }}',
  }),
  'prometheus-ca': input(text, {
    group: 'metrics',
    description: 'Certificate authority of Prometheus, as PEM or a path.',
    example: 'certs/ca.pem',
  }),
  'prometheus-cert': input(text, {
    group: 'metrics',
    description: 'Client certificate for Prometheus, as PEM or a path. Needs `prometheus-key`.',
    example: 'certs/client.pem',
  }),
  'prometheus-key': input(text, {
    group: 'metrics',
    description: 'Key of the client certificate, as PEM or a path. Content is masked.',
    example: 'certs/client-key.pem',
  }),
  'prometheus-headers': input(headers, {
    group: 'metrics',
    description: 'Further headers, a line each. Values are masked.',
    example: 'X-Scope-OrgID: shop',
  }),
};
export type PrometheusInputs = {
  readonly [Name in keyof typeof prometheusInputs]: z.infer<(typeof prometheusInputs)[Name]>;
};

const prometheusSettings = [
  'prometheus-token',
  'prometheus-token-file',
  'prometheus-username',
  'prometheus-password',
  'prometheus-ca',
  'prometheus-cert',
  'prometheus-key',
  'prometheus-headers',
] as const satisfies readonly (keyof PrometheusInputs)[];

/** What contradicts itself in the inputs: one sentence each, with what to do. */
export function prometheusContradictions(inputs: PrometheusInputs): string[] {
  const has = (name: keyof PrometheusInputs) => inputs[name] !== undefined;
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
  const useless = has('prometheus') ? [] : prometheusSettings.filter(has);
  const ways = (['prometheus-token', 'prometheus-token-file', 'prometheus-username'] as const).filter(has);
  const pairs = [
    ['prometheus-username', 'prometheus-password'],
    ['prometheus-cert', 'prometheus-key'],
  ] as const;
  return [
    ...(useless.length > 0 ? [`${quoted(useless)} would have no effect without "prometheus".`] : []),
    ...(ways.length > 1 ? [`${quoted(ways)} are different ways to log in to Prometheus: give one.`] : []),
    ...pairs.flatMap(([first, second]) =>
      has(first) === has(second) ? [] : [`"${first}" and "${second}" belong together: give both.`],
    ),
  ];
}

/** How the inputs say that Prometheus is reached. */
export function prometheusConnection(inputs: PrometheusInputs): Connection {
  const { 'prometheus-ca': ca, 'prometheus-cert': cert, 'prometheus-key': key, 'prometheus-headers': headers } = inputs;
  const authorization = authorizationOf(inputs);
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return {
    address: inputs.prometheus ?? '',
    ...(authorization && { authorization }),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(headers && { headers }),
  };
}

function authorizationOf(inputs: PrometheusInputs): Connection['authorization'] {
  const { 'prometheus-token': token, 'prometheus-token-file': path } = inputs;
  const { 'prometheus-username': username, 'prometheus-password': password } = inputs;
  if (token !== undefined) return { kind: 'bearer', token };
  if (path !== undefined) return { kind: 'bearer-file', path };
  return username !== undefined && password !== undefined ? { kind: 'basic', username, password } : undefined;
}

/** The secrets in the inputs; a path is no secret. */
export function prometheusSecrets(given: GivenInputs): string[] {
  const { 'prometheus-key': key = '', 'prometheus-headers': headers = '' } = given;
  return [
    given['prometheus-token'] ?? '',
    given['prometheus-password'] ?? '',
    ...(isContent(key) ? [key] : []),
    ...headerSecrets(headers),
  ];
}

/** The token that a file contains now. Whoever needs the token reports a missing file. */
export async function prometheusTokenIn(
  path: string | undefined,
  readFile: (path: string) => Promise<string>,
): Promise<string[]> {
  const text = path === undefined || path === '' ? '' : await readFile(path).catch(() => '');
  return text.trim() === '' ? [] : [text.trim()];
}
