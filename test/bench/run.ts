/** `npm run bench`: figures, printed and not asserted. Sections can be named: `npm run bench -- start judge`. */

import { benchBreach } from './breach.ts';
import { benchEventLoop } from './event-loop.ts';
import { benchHelm } from './helm.ts';
import { benchHundredRollouts } from './hundred-rollouts.ts';
import { benchJudge } from './judge.ts';
import { benchStart } from './start.ts';
import { benchUnchangedBuild } from './unchanged-build.ts';

const sections = {
  start: () => benchStart(print),
  judge: async () => benchJudge(print, () => performance.now()),
  hundred: () => benchHundredRollouts(print),
  breach: () => benchBreach(print),
  'event-loop': () => benchEventLoop(print),
  unchanged: () => benchUnchangedBuild(print),
  helm: () => benchHelm(print),
} as const;

function print(line: string): void {
  console.log(line);
}

const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(sections)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  print(`\n── ${name}`);
  await run();
}
