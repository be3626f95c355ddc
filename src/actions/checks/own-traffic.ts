import type { LookRule } from '../../judge/looks/look.ts';
import { listed } from '../../runner/input-types.ts';
import type { CheckInput } from './check-kind.ts';

type Named = Pick<CheckInput, 'check' | 'name' | 'ownTraffic'>;

/** Kinds whose answers are no measure of requests. */
const apart: readonly string[] = ['load', 'probe', 'github', 'events', 'alerts'];

/**
 * What is wrong where checks send requests of its own: metrics, logs and traces may count them as users', so that a service
 * without users looks well used. Which of them do is not to be seen from here, so each check has to be named.
 */
export function ownTrafficProblems(checks: readonly Named[]): string[] {
  const measuring = checks.filter(({ check }) => !apart.includes(check)).map(({ name }) => name);
  return checks.flatMap(({ name, ownTraffic }) => {
    if (!ownTraffic) return [];
    const { seenBy, notSeenBy } = ownTraffic;
    const named = [...seenBy, ...notSeenBy];
    const unknown = named.filter((one) => !measuring.includes(one));
    const both = seenBy.filter((one) => notSeenBy.includes(one));
    const missing = measuring.filter((one) => !named.includes(one));
    return [
      ...(unknown.length > 0
        ? [`"${name}" says what ${listed(unknown)} sees, which is no check of metrics, logs or traces.`]
        : []),
      ...(both.length > 0 ? [`"${name}" has ${listed(both)} both in "seen-by" and in "not-seen-by".`] : []),
      ...(missing.length > 0
        ? [
            `Requests of "${name}" may be counted by ${listed(missing)} as those of users: leave them out there (by their header x-sluice-load, their user agent or their path) and name it in "not-seen-by", or name it in "seen-by" where they are to be judged with the others.`,
          ]
        : []),
    ];
  });
}

/** The rule of a check, whose words say which requests of our own it may count. */
export function tellingOwn(rule: LookRule, name: string, checks: readonly Named[]): LookRule {
  const senders = checks.flatMap((check) => (check.ownTraffic?.seenBy.includes(name) ? [check.name] : []));
  if (senders.length === 0) return rule;
  return {
    add: rule.add,
    finding() {
      const found = rule.finding();
      return {
        ...found,
        sentence: `${found.sentence}; requests of ${senders.join(' and ')} are among them, and not only users'`,
      };
    },
  };
}
