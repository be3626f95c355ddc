import { describe, expect, it } from 'vitest';
import { drillInputs, drillSecrets, loadDrillInputs } from '../../../../src/actions/drill/inputs.ts';
import { listInputs } from '../../../../src/runner/input-schema.ts';
import type { GivenInputs } from '../../../../src/runner/parse-inputs.ts';

const requests = '{check: load, url: "https://shop.example.com", requests: [GET /], rate: 20/s}';
const right: GivenInputs = { service: 'checkout', faults: 'pod-kill on app=checkout one', requests };
const load = (given: GivenInputs) => loadDrillInputs({ ...right, ...given }, () => undefined);
const refusal = (given: GivenInputs) =>
  load(given).then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

describe('the inputs of a drill', () => {
  it('have defaults that break little and end soon', async () => {
    expect(await load({})).toMatchObject({
      service: 'checkout',
      name: 'checkout',
      mode: 'run',
      'dry-run': false,
      'max-pods': 1,
      'max-share': 1,
      'max-duration': 300_000,
      'stop-when': { below: 0.5, lasts: 10_000 },
      'fail-on': ['not-resilient', 'incomplete', 'aborted'],
      'on-worse': 'warn',
      targets: [
        { kind: 'success', least: 0.99 },
        { kind: 'recovery', most: 60_000 },
      ],
      'ignore-budgets': false,
      gitops: 'refuse',
    });
  });

  it.each(listInputs(drillInputs).filter(({ name }) => !['issue', 'prometheus-token'].includes(name)))(
    '$name takes its example',
    async ({ name, example }) => {
      const rest = { prometheus: name.startsWith('prometheus-') ? 'http://prometheus' : '' };
      const told = await refusal({ ...rest, [name]: example });
      expect(told).not.toContain(`Input "${name}":`);
    },
  );

  it.each<[GivenInputs, string]>([
    [{ service: '' }, 'Input "service" is missing: the service that the drill is about. Example: service: checkout'],
    [{ faults: '' }, 'Nothing says what is broken: give "faults" or "manifests".'],
    [{ requests: '' }, 'Input "requests" is missing: without requests nobody knows what users feel. Example: '],
    [{ issue: 'true' }, 'Input "issue" needs "token".'],
    [
      { 'max-duration': '30s', faults: 'cpu-stress on app=a for 60s' },
      'Fault "cpu-stress on app=a for 60s" lasts longer than "max-duration" allows.',
    ],
    [{ name: 'Check Out' }, 'Input "name": "Check Out" has other signs than small letters'],
    [{ service: 'a'.repeat(51) }, 'or more than 50 of them.'],
    [{ 'max-share': '0%' }, 'Input "max-share": "0%" is not per cent from 1 to 100. Example: max-share: 50%'],
    [{ 'max-share': '101' }, '"101" is not per cent from 1 to 100.'],
    [{ 'max-pods': '0' }, 'Input "max-pods": "0" is not a whole number from 1 on.'],
    [{ hours: 'office' }, 'Input "hours": "office" is not of the form DAY-DAY HH:MM-HH:MM ZONE.'],
    [{ 'stop-when': 'soon' }, 'Write for example "success below 90% for 10s"'],
    [{ targets: 'success >= 99%\nhappy >= 1' }, 'line 2 ("happy >= 1") has the unknown subject "happy"'],
    [{ targets: 'recovery >= 10s' }, 'needs <= instead of >='],
    [{ 'max-duration': 'long' }, 'Input "max-duration": "long" is no duration'],
    [{ 'max-duration': '0s' }, 'Input "max-duration" is 0s'],
    [{ 'steady-for': '0s' }, 'Input "steady-for" is 0s'],
    [{ 'count-interval': '0s' }, 'Input "count-interval" is 0s'],
    [{ 'undo-timeout': '0s' }, 'Input "undo-timeout" is 0s'],
    [{ mode: 'destroy' }, '"destroy" is not one of run, clean-up or discard-record.'],
    [{ 'fail-on': 'resilient' }, '"resilient" is not one of not-resilient, incomplete, aborted or none.'],
    [{ fault: 'x' }, 'Input "fault" is unknown: "faults" is near.'],
    [{ 'prometheus-token': 't' }, 'would have no effect without "prometheus"'],
  ])('%j is refused', async (given, problem) => {
    expect(await refusal(given)).toContain(problem);
  });

  it('that are wrong are told all at once', async () => {
    const told = await refusal({ faults: 'pod-kil', 'max-pods': 'x', hours: 'x', targets: 'x', mod: 'run' });
    expect(told).toContain("5 things can't be right");
    for (const name of ['faults', 'max-pods', 'hours', 'targets', 'mod']) expect(told).toContain(`- Input "${name}"`);
    const missing = await refusal({ service: '', faults: '', requests: '', issue: 'true' });
    expect(missing).toContain("4 things can't be right");
  });

  it.each(['clean-up', 'discard-record'])('of a %s need only the service', async (mode) => {
    const none = { faults: '', requests: '' };
    expect(await load({ mode, ...none })).toMatchObject({ service: 'checkout', mode });
    expect(await refusal({ mode, ...none, service: '' })).toContain('Input "service" is missing');
  });

  it('show no secret, whatever is wrong', async () => {
    const secrets = {
      token: 's3cret-a',
      'prometheus-token': 's3cret-b',
      connections: 'loki: {address: http://l, tokn: s3cret-c, token: s3cret-c}',
      requests: '{check: load, url: "https://a", requests: [GET /], headers: {authorization: [s3cret-d]}}',
    };
    const told = await refusal(secrets);
    expect(told).toContain("2 things can't be right");
    expect(told).not.toContain('s3cret');
    expect(drillSecrets(secrets)).toEqual(expect.arrayContaining(['s3cret-a', 's3cret-b', 's3cret-c']));
  });
});
