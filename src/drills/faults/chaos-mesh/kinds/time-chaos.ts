import { defineChaosKind } from './chaos-kind.ts';
import { containerNames, duration, listOf, oneOf } from './fields.ts';

const clocks = [
  'CLOCK_REALTIME',
  'CLOCK_MONOTONIC',
  'CLOCK_PROCESS_CPUTIME_ID',
  'CLOCK_THREAD_CPUTIME_ID',
  'CLOCK_MONOTONIC_RAW',
  'CLOCK_REALTIME_COARSE',
  'CLOCK_MONOTONIC_COARSE',
  'CLOCK_BOOTTIME',
  'CLOCK_REALTIME_ALARM',
  'CLOCK_BOOTTIME_ALARM',
] as const;

/** https://chaos-mesh.org/docs/simulate-time-chaos-on-kubernetes/ */
export const timeChaos = defineChaosKind({
  kind: 'TimeChaos',
  plural: 'timechaos',
  field: 'timeChaos',
  parameters: {
    timeOffset: duration,
    clockIds: listOf(oneOf(clocks)).default(['CLOCK_REALTIME']),
    containerNames,
  },
  traits: () => ({}),
});
