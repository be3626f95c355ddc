import { play } from '../../lab/embedded/scenarios.ts';
import { spread } from './start.ts';

const RUNS = 5;

/** How long a canary that answers nothing but errors keeps getting requests, and how many it gets. */
export async function benchBreach(print: (line: string) => void): Promise<void> {
  const times: number[] = [];
  const leaked: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const { lab, clean } = await play('errors-100pct');
    await lab.stop();
    await clean();
    const canary = lab.load.log.filter(({ version }) => version === '1.1.0');
    const begins = canary.map(({ at }) => at);
    times.push(Math.max(...begins) - Math.min(...begins));
    leaked.push(canary.length);
  }
  print(`first to last canary request: ${spread(times)}   (aim: one interval of 1,000 ms plus 200 ms)`);
  print(
    `canary requests served:       ${leaked.toSorted((a, b) => a - b).join(', ')} of 200 a second, 5 % of them canary`,
  );
}
