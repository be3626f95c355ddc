import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { PrometheusApi } from '../../meters/prometheus/api.ts';
import type { Moment, Responder } from '../ports.ts';
import { followChanges } from './follow-changes.ts';

/**
 * Whether alerts of these names fire, by Prometheus' own rules: before an Alertmanager silences or routes them. Alerts that fire at the
 * beginning are told then.
 */
export function alertResponder(names: readonly string[], api: PrometheusApi, clock: Clock): Responder {
  const firing = new Map<string, boolean>();

  async function look(signal: AbortSignal): Promise<Moment[]> {
    const { data, warnings } = await api.alertingRules(signal);
    const [warning] = warnings;
    if (warning !== undefined || data.groupNextToken) throw partial(api.name, warning ?? 'a part of the rules is missing');
    const rules = data.groups.flatMap((group) => group.rules);
    return names.flatMap((name): Moment[] => {
      const named = rules.filter((rule) => rule.name === name && rule.type !== 'recording');
      if (named.length === 0) throw noRule(api.name, name);
      const now = named.some(({ alerts }) => (alerts ?? []).some(({ state }) => state === 'firing'));
      if (firing.get(name) === now) return [];
      const isFirst = !firing.has(name);
      firing.set(name, now);
      if (isFirst && !now) return [];
      const state = now ? 'firing' : 'resolved';
      return [{ at: clock.now(), kind: 'alert', about: name, state, text: `alert ${name} ${now ? 'fires' : 'is over'}` }];
    });
  }

  return {
    kind: 'alert',
    about: `alerts ${names.join(', ')} of ${api.name}`,
    permissions: api.permissions,
    follow: (tell, signal) => followChanges('alert', { look, clock }, tell, signal),
  };
}

function partial(about: string, warning: string): SluiceError {
  return new SluiceError('unreachable', { about, problem: `gives a partial answer: ${warning}.`, next: 'Look at it.' });
}

function noRule(about: string, name: string): SluiceError {
  return new SluiceError('not-found', {
    about,
    problem: `has no alert rule ${name}.`,
    next: 'Correct the name in "targets", or load the rule.',
  });
}
