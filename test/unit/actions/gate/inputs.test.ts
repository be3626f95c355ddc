import { describe, expect, it } from 'vitest';
import { connectionSecrets } from '../../../../src/actions/checks/connections-input.ts';
import { assembleGate } from '../../../../src/actions/gate/assemble.ts';
import { gateSecrets, loadGateInputs } from '../../../../src/actions/gate/inputs.ts';
import type { GivenInputs } from '../../../../src/runner/parse-inputs.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const value = '{check: promql, name: queue, query: max(queue), above: 5}';
const one: GivenInputs = { prometheus: 'http://prometheus', checks: `- ${value}` };
const load = (given: GivenInputs) => loadGateInputs({ ...one, ...given }, () => undefined, '/workspace');
const refusal = (given: GivenInputs) =>
  load(given).then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

async function assembled(given: GivenInputs, env: Readonly<Record<string, string>> = {}) {
  const annotate = { notice: () => undefined, warning: () => undefined, error: () => undefined };
  return assembleGate({
    inputs: await load(given),
    clock: createVirtualClock(),
    emit: () => undefined,
    env,
    step: 'main',
    mask: () => undefined,
    annotate,
  });
}

describe('checks', () => {
  it.each([
    ['- {check: ratio, total: a}', 'needs either "bad" or "good"'],
    ['- {check: ratio, total: a, bad: b}', 'needs either "limit", the highest rate that is accepted, or "relative-to"'],
    [
      '- {check: ratio, total: a, bad: b, limit: 1%, tolerance: 2}',
      '"tolerance" and "absolute-tolerance" have no effect',
    ],
    ['- {check: ratio, total: a, bad: b, relative-to: before}', 'needs "before", how long before now'],
    ['- {check: ratio, total: a, bad: b, limit: 1%, before: 1d}', 'has "before" without "relative-to: before"'],
    ['- {check: ratio, total: a, bad: b, limit: 1%, window: 2h}', 'use burn-rate for longer times'],
    ['- {check: promql, query: a}', 'needs "above" or "below"'],
    ['- {check: promql, query: a, above: 1, below: 2}', 'every value is a breach'],
    ['- {check: promql, query: a, above: 1, warn-above: 2}', 'needs "warn-above" to be less than "above"'],
    ['- {check: promql, query: a, above: 1, breach-after: soon}', 'must be a number of looks or a duration'],
    ['- {check: promql, query: a, above: 1, abov: 1}', 'has the unknown key "abov"; "above" is near'],
    [`- ${value}\n- ${value}`, 'two checks are called queue'],
    ['- {check: promql, query: a, above: 1, on-breach: warn}', 'so that none can fail the gate'],
    ['[]', 'lists no check'],
  ])('%s is refused', async (checks, problem) => {
    expect(await refusal({ checks })).toContain(problem);
  });

  it.each<[GivenInputs, string]>([
    [{ checks: '' }, 'Nothing says what is looked at: give "checks" or "objectives".'],
    [{ watch: '5s', interval: '10s' }, '"watch" is shorter than "interval"'],
    [{ 'group-weights': 'a=1' }, 'has no effect without "require: score"'],
    [{ require: 'score', 'warn-score': '95' }, '"warn-score" is above "pass-score"'],
    [{ require: 'score', 'group-weights': 'a=1' }, '"group-weights" names a, which no check has'],
    [{ require: 'score', 'group-weights': 'a=1' }, 'queue has none'],
    [{ prometheus: '', 'prometheus-token': 't' }, 'would have no effect without "prometheus"'],
    [{ connections: 'prometheus: http://other' }, 'say where Prometheus is: give one'],
  ])('%o is refused', async (given, problem) => {
    expect(await refusal(given)).toContain(problem);
  });

  it('share the probability of a false failure, those that only warn keep it', async () => {
    const ratio = (name: string, rest = '') => `- {check: ratio, name: ${name}, total: a, bad: b, limit: 1%${rest}}\n`;
    const { world } = await assembled({
      checks: `${ratio('x')}${ratio('y')}${ratio('z', ', on-breach: warn')}- ${value}`,
    });
    expect(world.checks.map(({ name, onBreach, window }) => [name, onBreach, window])).toEqual([
      ['x', 'fail', 300_000],
      ['y', 'fail', 300_000],
      ['z', 'warn', 300_000],
      ['queue', 'fail', 300_000],
    ]);
    const [x] = world.checks;
    x?.rule.add({ kind: 'counts', total: 1_000, bad: 900 }, undefined, 0);
    expect(x?.rule.finding().sentence).toContain('less than 1 of 200 gates');
  });

  it('that ask nobody or nonsense are told all at once, before anything is asked', async () => {
    const checks =
      '- {check: promql, name: a, query: "max(", above: 1}\n- {check: ratio, name: b, total: "rate(x[5m])", bad: y, limit: 1%}';
    await expect(assembled({ checks })).rejects.toThrow(/is not valid PromQL[\s\S]*uses rate\(\)/);
    await expect(assembled({ prometheus: '' })).rejects.toThrow(
      'A check asks Prometheus, and nothing says where it is. Give "prometheus"',
    );
  });

  it('ask for the names of the arms where they are placeholders', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a query
    const query = 'max(queue{workload="${workload}"})';
    const checks = `- {check: promql, query: '${query}', above: 1.5, relative-to: stable}`;
    const { world } = await assembled({ checks, namespace: 'shop', stable: 'checkout', canary: 'checkout-canary' });
    const reference = world.checks[0]?.reference;
    expect(world.checks[0]?.source.asked).toContain('workload="checkout-canary"');
    expect(reference && 'source' in reference && reference.source.asked).toContain('workload="checkout"');
    await expect(assembled({ checks, namespace: 'shop', canary: 'c' })).rejects.toThrow(
      'the stable arm has no workload',
    );
  });
});

describe('connections', () => {
  it.each([
    ['loki: {address: http://a, tokn: s3cret}', 'loki has an unknown key; "token" is near'],
    ['loki: {token: s3cret}', 'loki "address": is missing'],
    ['loki: {address: http://a, token: s3cret, username: u, password: s3cret}', 'loki has several ways to log in'],
    ['loki: {address: http://a, username: u}', 'loki needs "username" and "password" together'],
    ['loki: {address: http://a, cert: c.pem}', 'loki needs "cert" and "key" together'],
    ['Loki: http://a', 'a name has other signs'],
    ['- s3cret', 'is not a YAML map'],
    ['loki: {address: [s3cret}', 'is not YAML'],
    ['loki: {address: http://a, headers: {"a b": s3cret}}', 'is no name of a header'],
  ])('%s is refused, and no value is quoted', async (connections, problem) => {
    const told = await refusal({ connections });
    expect(told).toContain(problem);
    expect(told).not.toContain('s3cret');
  });

  it('are read by name, an address alone is one', async () => {
    const { connections } = await load({
      connections:
        'alertmanager: k8s://monitoring/alertmanager:9093\nloki: {address: https://l, token: t, headers: {X-Scope-OrgID: shop}}',
    });
    expect([...(connections ?? [])]).toEqual([
      ['alertmanager', { address: 'k8s://monitoring/alertmanager:9093' }],
      [
        'loki',
        { address: 'https://l', authorization: { kind: 'bearer', token: 't' }, headers: { 'X-Scope-OrgID': 'shop' } },
      ],
    ]);
  });

  it('can be the one of Prometheus, which is then signed', async () => {
    const signed =
      '{address: https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1, sigv4: {region: eu-west-1, service: aps}}';
    const given = { prometheus: '', connections: `prometheus: ${signed}` };
    const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'key' };
    const { world } = await assembled(given, env);
    expect(world.checks[0]?.source.asked).toContain('Prometheus https://aps-workspaces.eu-west-1.amazonaws.com');
    await expect(assembled(given)).rejects.toThrow('AWS_ACCESS_KEY_ID is not set');
  });

  it('have secrets, also where something else in them is wrong', () => {
    const given =
      'a: {address: 1, token: s1, wrong: x}\nb: {password: s2, headers: {authorization: Bearer s3}}\nc: {key: certs/a.key}';
    expect(connectionSecrets(given)).toEqual(['s1', 's1', 's2', 's2', 'Bearer s3', 's3']);
    expect(gateSecrets({ connections: given, 'prometheus-token': 's4' })).toEqual(
      expect.arrayContaining(['s1', 's2', 's3', 's4']),
    );
  });
});
