import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { play } from '../../lab/embedded/scenarios.ts';

const delays = z.object({ middle: z.number(), most: z.number(), longest: z.number() });

/** For how long nothing else gets its turn while a rollout runs: timers, signals, the renewal of the Lease. */
export async function benchEventLoop(print: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-event-loop-'));
  const path = join(folder, 'delay.json');
  const monitor = join(import.meta.dirname, 'event-loop-monitor.ts');
  const { lab, clean } = await play('healthy', undefined, {
    NODE_OPTIONS: `--import=${monitor}`,
    SLUICE_EVENT_LOOP: path,
  });
  await lab.stop();
  await clean();
  const files = await readdir(folder);
  const all = await Promise.all(
    files.map(async (file) => delays.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))),
  );
  const { middle, most, longest } = all.reduce((worst, one) => (one.longest > worst.longest ? one : worst));
  await rm(folder, { recursive: true });
  const milliseconds = (nanoseconds: number) => `${(nanoseconds / 1e6).toFixed(0)} ms`;
  print(`delay of the event loop during a rollout, measured every 5 ms: half below ${milliseconds(middle)},`);
  print(
    `99 % below ${milliseconds(most)}, the longest ${milliseconds(longest)}   (aim: 200 ms; a Lease lasts 15,000 ms)`,
  );
}
