import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assemble } from '../../src/actions/canary/assemble.ts';
import { inputList } from '../../src/actions/canary/inputs.ts';
import { loadInputs } from '../../src/actions/canary/load-inputs.ts';
import { rollout } from '../../src/canary/rollout.ts';
import { systemClock } from '../../src/core/clock.ts';
import { runnerFacts } from '../../src/runner/github.ts';

const ignore = () => undefined;

const ROLLOUTS = 100;
/** Milliseconds: until all rollouts observe, and what is measured then. */
const SETTLE = 25_000;
const MEASURE = 20_000;

/** The process that is measured: a hundred rollouts against the cluster of a kubeconfig. */
async function drive(kubeconfig: string): Promise<void> {
  const stop = new AbortController();
  let looks = 0;
  const running = Array.from({ length: ROLLOUTS }, async (_, shop) => {
    // One after the other, as jobs begin.
    await sleep(shop * 100);
    const given: Record<string, string> = {
      kubeconfig,
      namespace: `shop-${shop}`,
      stable: 'deployment/checkout',
      canary: 'deployment/checkout-canary',
      service: 'checkout',
      'stable-subset': 'stable',
      'canary-subset': 'canary',
      route: 'virtualservice/checkout',
      steps: '50 for 5m, 100',
      meter: 'pods',
    };
    const env = Object.fromEntries(inputList.map(({ name }) => [`INPUT_${name.toUpperCase()}`, given[name] ?? '']));
    const loaded = await loadInputs({
      env,
      readFile: () => Promise.reject(new Error('no file is read')),
      glob: async () => [],
      mask: () => undefined,
    });
    const emit = (event: { readonly type: string }) => {
      if (event.type === 'interval') looks += 1;
    };
    const facts = { ...runnerFacts({}), identity: `bench-${shop}` };
    const access = {
      env: {},
      step: 'main',
      mask: ignore,
      annotate: { notice: ignore, warning: ignore, error: ignore },
    } as const;
    const assembly = { loaded, facts, clock: systemClock, emit, lifetime: stop.signal, ...access };
    const { world, options } = await assemble(assembly, stop.signal);
    await rollout(world, options, stop.signal);
  });
  const failed: string[] = [];
  for (const one of running) one.catch((error: unknown) => failed.push(String(error)));

  await sleep(SETTLE);
  const [cpu, counted] = [process.cpuUsage(), looks];
  await sleep(MEASURE);
  const { user, system } = process.cpuUsage(cpu);
  const cores = (user + system) / 1_000 / MEASURE;
  const memory = process.memoryUsage.rss() / 2 ** 20;
  console.log(
    `${ROLLOUTS} rollouts: ${cores.toFixed(2)} cores (aim: below 1), ${memory.toFixed(0)} MiB (aim: below 300)`,
  );
  console.log(`JavaScript in use after a collection: ${keptMemory().toFixed(0)} MiB`);
  console.log(
    `evaluations: ${(((looks - counted) / MEASURE) * 1_000).toFixed(0)} a second; ${failed.length} rollouts failed`,
  );
  for (const reason of new Set(failed)) console.log(`  ${reason}`);
  process.exit(0);
}

/** MiB of JavaScript that are in use: what is left after everything else was collected. */
function keptMemory(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

await drive(process.argv[2] ?? '');
