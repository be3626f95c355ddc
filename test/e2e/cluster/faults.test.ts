/**
 * One fault of each kind: of each way to harm a connection one, each ending, each kind of foreign change. The whole table is run by
 * `npm run test:real -- faults`.
 */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { apiFaults, changesUnderWay, prometheusFaults } from './faults.ts';
import { pick } from './pick.ts';
import { startToxiproxy, type Toxiproxy } from './toxiproxy.ts';

let toxiproxy: Toxiproxy;
beforeAll(async () => {
  toxiproxy = await startToxiproxy();
});
afterAll(() => toxiproxy.stop());

const api = pick(
  apiFaults,
  'the way is cut for good: an error says what to do, and the next run undoes what was left',
  'connections are reset: a bad release is rolled back, a good one promoted',
  'answers are a page of a proxy, or half of what they were: a bad release is rolled back, a good one promoted',
  'the way is silent for a while: the release goes on',
);
const prometheus = pick(
  prometheusFaults,
  'answers come late and in no order: the release goes on',
  'answers end in the middle for good: the release is rolled back, as configured',
  'answers do not come for good: the release is held, as configured',
);
const changes = pick(
  changesUnderWay,
  'one of its pods stays not ready: it is rolled back',
  'somebody changes the weights of a bad one: what is theirs stays',
  'somebody changes something else of the route: it is rolled back, and the change stays',
  'two begin at the same moment: one is promoted, the other one told so',
);

describe('Between runner and API server', () => {
  test.concurrent.for(api)('%s', ([, tell]) => tell(toxiproxy));
});

describe('Between runner and Prometheus', () => {
  test.concurrent.for(prometheus)('%s', ([, tell]) => tell(toxiproxy));
});

describe('While a release is under way', () => {
  test.concurrent.for(changes)('%s', ([, tell]) => tell());
});
