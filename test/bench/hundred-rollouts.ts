import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { startLab } from '../../lab/embedded/index.ts';
import { shopManifests } from '../../lab/embedded/shop.ts';
import { bundle } from '../../scripts/build.ts';

const ROLLOUTS = 100;

/**
 * A hundred rollouts in one process, each with the real adapters and a look a second, against the embedded lab in this one.
 */
export async function benchHundredRollouts(print: (line: string) => void): Promise<void> {
  const lab = await startLab({ rate: 0 });
  const options = {
    router: 'istio',
    arms: 'both',
    workload: 'Deployment',
    replicas: { stable: 1, canary: 1 },
  } as const;
  for (let shop = 0; shop < ROLLOUTS; shop++) {
    for (const manifest of shopManifests(options)) {
      const text = JSON.stringify(manifest).replaceAll('checkout.example', `${shop}.example`);
      lab.api.put(
        JSON.parse(
          text
            .replaceAll('"namespace":"shop"', `"namespace":"shop-${shop}"`)
            .replaceAll('"name":"shop"', `"name":"shop-${shop}"`),
        ),
      );
    }
  }
  const traffic = new AbortController();
  const load = sendTo(lab.gateway.url, traffic.signal);
  await sleep(3_000);
  // As it is shipped: the sources with all of their libraries would take memory that no action takes.
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  await bundle({ 'driver/index': join(import.meta.dirname, 'hundred-rollouts-driver.ts') }, folder);
  const child = spawn(process.execPath, [join(folder, 'driver/index.js'), lab.kubeconfigPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => print(text.trimEnd()));
  await once(child, 'exit');
  await rm(folder, { recursive: true });
  traffic.abort();
  await load;
  await lab.stop();
}

/** About two requests a second to each shop. */
async function sendTo(url: string, signal: AbortSignal): Promise<void> {
  for (let shop = 0; !signal.aborted; shop = (shop + 1) % ROLLOUTS) {
    const { body } = await request(url, { headers: { host: `${shop}.example` } });
    await body.dump();
    await sleep(5);
  }
}
