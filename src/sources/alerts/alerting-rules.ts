import { SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look } from '../../judge/looks/look.ts';
import { staleAfter } from '../../meters/prometheus/answers.ts';
import type { AlertingRules, PrometheusApi } from '../../meters/prometheus/api.ts';
import { createFilter, type Selector } from '../../meters/series/selector.ts';
import type { SourceWorld } from '../world.ts';
import { ALERT_NAME, type Alert, type AlertQuery, createAlertLook, describeMatchers } from './alert.ts';

/** Names of rules that an error lists. */
const MOST_LISTED = 5;

type Rule = AlertingRules['groups'][number]['rules'][number] & { readonly interval: number };

export interface AlertingRulesQuery extends AlertQuery {
  /** Alerts that do not fire yet speak against going on, too. */
  readonly pending: boolean;
}

/**
 * Alerts as the rules of a Prometheus have them, before any Alertmanager silences or routes them: labels that Prometheus adds when
 * it sends them (`external_labels`) are missing. A rule that fails to be evaluated tells nothing.
 */
export function alertingRulesSource(query: AlertingRulesQuery, api: PrometheusApi, { clock }: SourceWorld): Source {
  const { matchers, ignore, pending } = query;
  const matches = createFilter(matchers);
  const answer = createAlertLook(query);

  async function askRules(signal: AbortSignal): Promise<Rule[] | string> {
    const { data, warnings } = await api.alertingRules(signal);
    if (warnings.length > 0) return `the answer is partial: ${warnings.join('; ')}`;
    if (data.groupNextToken) return 'the answer has a part of the rules only';
    return data.groups.flatMap(({ rules, interval }) =>
      rules.filter(({ type }) => type !== 'recording').map((rule) => ({ ...rule, interval })),
    );
  }

  /** The rules whose alerts could match: a label that a rule does not set can come from its series. */
  const relevant = (rules: readonly Rule[]) =>
    rules.filter((rule) => !ignore.includes(rule.name) && couldMatch(rule, matchers));

  function whyUnknown({ name, health, lastError, lastEvaluation, interval }: Rule): string | undefined {
    const about = `alert rule ${excerpt(name, 80)}`;
    if (health !== 'ok') {
      const said = lastError ? `: ${excerpt(lastError, 200)}` : '';
      return `${about} ${health === 'err' ? 'fails' : 'was not evaluated yet'}${said}`;
    }
    const age = lastEvaluation == null ? 0 : clock.now() - lastEvaluation;
    return age > staleAfter(interval * 1_000)
      ? `${about} was last evaluated ${Math.round(age / 1_000)} s ago`
      : undefined;
  }

  return {
    kind: 'alerts',
    asked: `alerts ${describeMatchers(matchers)} of ${api.name}`,
    permissions: api.permissions,
    lag: 0,

    async preflight(signal) {
      const rules = await askRules(signal);
      if (typeof rules === 'string') throw incomplete(api.name, rules);
      const relevantRules = relevant(rules);
      if (relevantRules.length === 0) throw noRule(api.name, query, rules);
      const unknown = ignore.filter((name) => !rules.some((rule) => rule.name === name));
      return {
        evidence: `${relevantRules.length} of ${rules.length} alert rules can match: ${namesOf(relevantRules)}`,
        warnings: unknown.map((name) => `${api.name} has no alert rule "${name}", which "ignore" names.`),
      };
    },

    async look(window, signal): Promise<Look> {
      const rules = await askRules(signal);
      if (typeof rules === 'string') return { kind: 'missing', reason: rules };
      const relevantRules = relevant(rules);
      const look = answer(
        relevantRules.flatMap(alertsOf).filter(({ labels, isPending }) => matches(labels) && (pending || !isPending)),
        window,
      );
      if (look.kind === 'sightings' && look.sightings.length > 0) return look;
      if (relevantRules.length === 0)
        return { kind: 'missing', reason: `${api.name} has no alert rule that could match` };
      const reason = relevantRules.map(whyUnknown).find((why) => why !== undefined);
      return reason === undefined ? look : { kind: 'missing', reason };
    },
  };
}

function alertsOf({ alerts, duration }: Rule): Alert[] {
  return (alerts ?? [])
    .filter(({ state }) => state !== 'inactive')
    .map(({ labels, annotations, state, activeAt }) => ({
      labels,
      summary: annotations?.summary ?? annotations?.message,
      // An alert is active from the first sample on, and fires after the time that its rule has it pending.
      since: activeAt + (state === 'firing' ? (duration ?? 0) * 1_000 : 0),
      isPending: state === 'pending',
    }));
}

/** Whether an alert of the rule may have labels that match. */
function couldMatch(rule: Rule, matchers: Selector): boolean {
  const fixed: Record<string, string> = { ...rule.labels, [ALERT_NAME]: rule.name };
  const decided = matchers.filter(({ label }) => {
    const value = fixed[label];
    return value !== undefined && !value.includes('{{');
  });
  return createFilter(decided)(fixed);
}

function namesOf(rules: readonly Rule[]): string {
  const names = [...new Set(rules.map(({ name }) => excerpt(name, 80)))];
  return `${names.slice(0, MOST_LISTED).join(', ')}${names.length > MOST_LISTED ? ', …' : ''}`;
}

function noRule(server: string, { matchers }: AlertQuery, rules: readonly Rule[]): SluiceError {
  const others = rules.length === 0 ? 'It has no alert rules at all' : `It has ${namesOf(rules)}`;
  return new SluiceError('not-found', {
    about: `alerts ${describeMatchers(matchers)}`,
    problem: `can't come from any alert rule of ${server}.`,
    next: `${others}: correct "matching", or ask the server that evaluates the rules.`,
  });
}

function incomplete(about: string, why: string): SluiceError {
  return new SluiceError('unreachable', {
    about,
    problem: `did not give all of its alert rules: ${why}.`,
    next: 'Wait until all of its parts answer again.',
  });
}
