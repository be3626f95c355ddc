import { expect } from 'vitest';
import type { CheckInput, CheckPlace } from '../../../../../src/actions/checks/check-kind.ts';
import { gateChecks } from '../../../../../src/actions/checks/kinds/index.ts';

/** The place of a gate without a cluster: servers answer nothing. */
export function placeOf(asked: string[] = []): CheckPlace {
  const none = () => {
    throw new Error('not in this test');
  };
  return {
    world: { env: {}, clock: { now: () => 0, sleep: none } },
    cluster: none,
    prometheus: none,
    server: (product, connection) => {
      asked.push(`${product} by ${connection}`);
      return { name: `${product} http://a.example`, permissions: [], ask: none, askOnce: none };
    },
    serverAt: none,
    loadTarget: none,
    github: none,
    expand: (template, arm) => template.replaceAll('ARM', arm),
    judging: {
      alpha: 0.05,
      parts: 10,
      partLength: 60_000,
      designEffect: 1,
      mustDetect: 0.05,
      window: 300_000,
    },
  };
}

/** One check as YAML, read. */
export function readCheck(yaml: string): CheckInput {
  const [check, ...more] = gateChecks.schema.parse(`- ${yaml}`);
  expect(more).toEqual([]);
  if (!check) throw new Error('no check was read');
  return check;
}

/** What is said against a check. */
export function refusalOf(yaml: string): string {
  const { error } = gateChecks.schema.safeParse(`- ${yaml}`);
  return error?.issues.map(({ message }) => message).join('; ') ?? 'it was read';
}
