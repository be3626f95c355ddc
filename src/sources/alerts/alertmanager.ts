import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look } from '../../judge/looks/look.ts';
import { createFilter, equal, type Selector } from '../../meters/series/selector.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import { askFor } from '../server-answer.ts';
import type { SourceWorld } from '../world.ts';
import { ALERT_NAME, type Alert, type AlertQuery, createAlertLook, describeMatchers } from './alert.ts';
import { formatFilter } from './matchers.ts';

/**
 * Milliseconds after its start in which an Alertmanager may lack alerts: it keeps none over a restart, and Prometheus sends those
 * that fire again with an evaluation of their rule, once a minute where nothing else is configured.
 */
const STARTING = 180_000;

const next = 'Check the address and its path prefix (Mimir: /alertmanager, Grafana: /api/alertmanager/grafana).';

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
/** https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml; Grafana leaves the time of the start out. */
const status = z.object({
  cluster: z.object({ status: z.string() }).nullish(),
  uptime: time.nullish(),
  versionInfo: z.object({ version: z.string() }),
});
const alerts = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: time,
    status: z.object({ silencedBy: z.array(z.string()).nullish(), inhibitedBy: z.array(z.string()).nullish() }),
  }),
);

export interface AlertmanagerQuery extends AlertQuery {
  /** The name of an alert that always fires, as `Watchdog` does: without it, nobody sends alerts. */
  readonly heartbeat: string | undefined;
}

/** Alerts that fire, that nobody silenced and that no other one inhibits, as an Alertmanager has them. */
export function alertmanagerSource(query: AlertmanagerQuery, server: RemoteServer, { clock }: SourceWorld): Source {
  const { matchers, heartbeat } = query;
  const matches = createFilter(matchers);
  const answer = createAlertLook(query);

  const askStatus = (signal: AbortSignal) =>
    askFor(server, '/api/v2/status', { shape: status, what: 'the status of an Alertmanager', next }, signal);

  async function askAlerts(filters: Selector, hidden: boolean, signal: AbortSignal): Promise<Alert[]> {
    const parameters = new URLSearchParams({ active: 'true', silenced: `${hidden}`, inhibited: `${hidden}` });
    for (const filter of filters) parameters.append('filter', formatFilter(filter));
    const found = await askFor(server, `/api/v2/alerts?${parameters}`, { shape: alerts, what: 'alerts', next }, signal);
    return found
      .filter((alert) => hidden || !isHidden(alert.status))
      .map(({ labels, annotations, startsAt }) => ({
        labels,
        summary: annotations.summary ?? annotations.message,
        since: startsAt,
        isPending: false,
      }));
  }

  const beats = async (name: string, signal: AbortSignal) => {
    const found = await askAlerts([equal(ALERT_NAME, name)], true, signal);
    return found.some(({ labels }) => labels[ALERT_NAME] === name);
  };

  /** Why an Alertmanager that shows no alert may have missed one. */
  async function whyUnsure(signal: AbortSignal): Promise<string | undefined> {
    const { uptime, cluster } = await askStatus(signal);
    const age = uptime == null ? Number.POSITIVE_INFINITY : clock.now() - uptime;
    if (age < STARTING)
      return `${server.name} started ${Math.max(0, Math.round(age / 1_000))} s ago and may not have heard of all alerts yet`;
    if (cluster?.status === 'settling') return `${server.name} has not settled with the others of its cluster yet`;
    if (heartbeat === undefined || (await beats(heartbeat, signal))) return undefined;
    return `the alert ${heartbeat}, which always fires, does not: ${server.name} may not be sent any alerts`;
  }

  return {
    kind: 'alerts',
    asked: `alerts ${describeMatchers(matchers)} of ${server.name}`,
    permissions: server.permissions,
    lag: 0,

    async preflight(signal) {
      const { versionInfo } = await askStatus(signal);
      const all = await askAlerts([], true, signal);
      if (heartbeat !== undefined && !all.some(({ labels }) => labels[ALERT_NAME] === heartbeat))
        throw noHeartbeat(server.name, heartbeat);
      const sum = all.filter(({ labels }) => matches(labels)).length;
      const isSilent = all.length === 0 && heartbeat === undefined;
      return {
        evidence: `Alertmanager ${versionInfo.version.slice(0, 40)} has ${all.length} alerts; ${sum} of them match`,
        warnings: isSilent
          ? [
              `${server.name} has no alert at all, not even one that always fires: it can't be told from one that Prometheus sends nothing to. Name an alert that always fires in "heartbeat".`,
            ]
          : [],
      };
    },

    async look(window, signal): Promise<Look> {
      const found = await askAlerts(matchers, false, signal);
      const look = answer(
        // A server that takes no filters answers with all of its alerts.
        found.filter(({ labels }) => matches(labels)),
        window,
      );
      if (look.kind === 'sightings' && look.sightings.length > 0) return look;
      const reason = await whyUnsure(signal);
      return reason === undefined ? look : { kind: 'missing', reason };
    },
  };
}

/** One that a time interval mutes fires all the same: nobody is told of it, and nobody judged it. */
function isHidden({ silencedBy, inhibitedBy }: z.infer<typeof alerts>[number]['status']): boolean {
  return (silencedBy ?? []).length > 0 || (inhibitedBy ?? []).length > 0;
}

function noHeartbeat(about: string, name: string): SluiceError {
  return new SluiceError('not-found', {
    about,
    problem: `does not have the alert ${name}, which always fires.`,
    next: 'Check that Prometheus sends its alerts there, and the name in "heartbeat".',
  });
}
