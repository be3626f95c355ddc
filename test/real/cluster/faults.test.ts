import { afterAll, beforeAll, describe, test } from 'vitest';
import { apiFaults, changesUnderWay, prometheusFaults } from '../../e2e/cluster/faults.ts';
import { startToxiproxy, type Toxiproxy } from '../../e2e/cluster/toxiproxy.ts';

let toxiproxy: Toxiproxy;
beforeAll(async () => {
  toxiproxy = await startToxiproxy();
});
afterAll(() => toxiproxy.stop());

describe('Between runner and API server', () => {
  test.concurrent.for(Object.entries(apiFaults))('%s', ([, tell]) => tell(toxiproxy));
});

describe('Between runner and Prometheus', () => {
  test.concurrent.for(Object.entries(prometheusFaults))('%s', ([, tell]) => tell(toxiproxy));
});

describe('While a release is under way', () => {
  test.concurrent.for(Object.entries(changesUnderWay))('%s', ([, tell]) => tell());
});
