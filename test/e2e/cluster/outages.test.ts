/**
 * What every release stands on is taken away: the API server, and what tells the gateways of routes. The other outages are run by
 * `npm run test:real -- outages`.
 */
import { test } from 'vitest';
import { outages } from './outages.ts';
import { pick } from './pick.ts';

const taken = pick(
  outages,
  'The API server is restarted: while releases begin, watch and find a breach',
  'istiod is restarted: while releases shift, promote and undo: pods stay as long as requests still reach them',
);

test.for(taken)('%s', ([, tell]) => tell());
