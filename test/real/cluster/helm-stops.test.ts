import { test } from 'vitest';
import { tellOfCancelledUpgrade, tellOfLostMachine } from '../../e2e/cluster/helm-stops.ts';

const cancelled = [
  'has its chart',
  'holds the Lease',
  'begins to write',
  'runs a hook before',
  'waits for its pods',
  'runs a hook after',
] as const;
test.concurrent.for(cancelled)('is as before when the job is cancelled as it %s', (moment) =>
  tellOfCancelledUpgrade(moment),
);

const lost = ['runs a hook before', 'waits for its pods'] as const;
test.concurrent.for(lost)('goes on after a machine was lost as it %s', (moment) => tellOfLostMachine(moment));
