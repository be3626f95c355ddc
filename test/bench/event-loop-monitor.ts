/** Loaded into the process of a release before anything else (`node --import`): writes down how long its event loop was held up. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const path = process.env.SLUICE_EVENT_LOOP;
if (path !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  process.on('exit', () => {
    delay.disable();
    const nanoseconds = { middle: delay.percentile(50), most: delay.percentile(99), longest: delay.max };
    // Each step of the job is a process of its own.
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(nanoseconds));
  });
}
