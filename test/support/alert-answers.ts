import type { Respond } from './answering-server.ts';

/** The time of the answers, milliseconds since the Unix epoch. */
export const alertNow = Date.UTC(2026, 10, 28, 12, 30);

const ago = (minutes: number) => new Date(alertNow - minutes * 60_000).toISOString();

/** An alert as `GET /api/v2/alerts` of Alertmanager 0.28 has it. */
export function gettableAlert(
  labels: Readonly<Record<string, string>>,
  { minutes = 5, silencedBy = [], inhibitedBy = [], mutedBy = [], summary = 'it is bad' }: AlertFacts = {},
) {
  const suppressed = [...silencedBy, ...inhibitedBy, ...mutedBy].length > 0;
  return {
    annotations: { summary, runbook_url: 'https://runbooks.example/x' },
    endsAt: ago(-4),
    fingerprint: '0593f1c55738ce93',
    receivers: [{ name: 'devs' }],
    startsAt: ago(minutes),
    status: { inhibitedBy, mutedBy, silencedBy, state: suppressed ? 'suppressed' : 'active' },
    updatedAt: ago(1),
    generatorURL: 'http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
    labels,
  };
}

interface AlertFacts {
  readonly minutes?: number;
  readonly silencedBy?: readonly string[];
  readonly inhibitedBy?: readonly string[];
  readonly mutedBy?: readonly string[];
  readonly summary?: string;
}

export const watchdog = gettableAlert(
  { alertname: 'Watchdog', severity: 'none', prometheus: 'monitoring/k8s' },
  { minutes: 90_000 },
);

/** As `GET /api/v2/status` answers. */
export function alertmanagerStatus(minutesUp = 90_000, cluster = 'ready') {
  return {
    cluster: { name: '01HKQ', peers: [], status: cluster },
    config: { original: 'route: {receiver: devs}' },
    uptime: ago(minutesUp),
    versionInfo: {
      branch: 'HEAD',
      buildDate: '',
      buildUser: '',
      goVersion: 'go1.26',
      revision: 'x',
      version: '0.35.0',
    },
  };
}

/**
 * An Alertmanager by its published API, which silences, inhibits and filters by name; of its parsers of filters, the part that the
 * cases need.
 */
export function alertmanagerAnswers(
  alerts: readonly ReturnType<typeof gettableAlert>[] = [watchdog],
  status: unknown = alertmanagerStatus(),
): Respond {
  return (path) => {
    const { pathname, searchParams } = new URL(path, 'http://x');
    if (pathname === '/api/v2/status') return { body: status };
    if (pathname !== '/api/v2/alerts') return { status: 404, body: '404 page not found\n' };
    const filters = searchParams.getAll('filter').map((text) => /^(\w+)="([^"]*)"$/.exec(text));
    const found = alerts.filter(
      ({ labels, status: { silencedBy, inhibitedBy } }) =>
        filters.every((filter) => filter === null || labels[filter[1] ?? ''] === filter[2]) &&
        (searchParams.get('silenced') !== 'false' || silencedBy.length === 0) &&
        (searchParams.get('inhibited') !== 'false' || inhibitedBy.length === 0),
    );
    return { body: found };
  };
}

/** A rule as `GET /api/v1/rules` of Prometheus 3 has it. */
export function alertRule(name: string, facts: Readonly<Record<string, unknown>> = {}) {
  return {
    state: 'inactive',
    name,
    query: 'up == 0',
    duration: 120,
    keepFiringFor: 0,
    labels: { severity: 'page', service: 'checkout' },
    annotations: {},
    alerts: [],
    health: 'ok',
    evaluationTime: 0.0003,
    lastEvaluation: ago(0.25),
    type: 'alerting',
    ...facts,
  };
}

/** An alert of a rule. @param minutes since it is active */
export function ruleAlert(state: 'firing' | 'pending', minutes = 5, labels: Readonly<Record<string, string>> = {}) {
  return {
    labels: { alertname: 'HighErrorRate', severity: 'page', service: 'checkout', ...labels },
    annotations: { summary: 'many errors' },
    state,
    activeAt: ago(minutes),
    value: '1e+00',
  };
}

export function ruleAnswers(
  rules: readonly unknown[] = [alertRule('HighErrorRate')],
  beside: Readonly<Record<string, unknown>> = {},
): Respond {
  const groups = [{ name: 'checkout', file: '/etc/x.yml', interval: 30, limit: 0, rules, lastEvaluation: ago(0.25) }];
  return (path) =>
    path === '/api/v1/rules?type=alert'
      ? { body: { status: 'success', data: { groups }, ...beside } }
      : { status: 404, body: '404 page not found\n' };
}
