import { test } from 'vitest';
import { outages } from '../../e2e/cluster/outages.ts';

test.for(Object.entries(outages))('%s', ([, tell]) => tell());
