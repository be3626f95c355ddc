import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { close, listen } from '../../lab/embedded/sockets.ts';

const PAIRS = 15;
const root = join(import.meta.dirname, '../..');

/** Milliseconds from the start of `node dist/canary/index.js` to its first request, over those of a bare `node -e 0`. */
export async function benchStart(print: (line: string) => void): Promise<void> {
  let firstRequest = Promise.withResolvers<number>();
  const server = createServer((_, response) => {
    firstRequest.resolve(performance.now());
    response.writeHead(503).end();
  });
  const port = await listen(server, 0);
  const kubeconfig = JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'bench' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
  const inputs = {
    KUBECONFIG: kubeconfig,
    WORKLOAD: 'deployment/checkout',
    IMAGE: 'checkout:2',
    SERVICE: 'checkout',
    ROUTE: 'virtualservice/checkout',
    STEPS: '5 for 2m, 100',
  };
  const env = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name}`, value]));
  const bare: number[] = [];
  const action: number[] = [];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const begunBare = performance.now();
    await once(spawn(process.execPath, ['-e', '0']), 'exit');
    const ofBare = performance.now() - begunBare;

    firstRequest = Promise.withResolvers<number>();
    const begun = performance.now();
    const child = spawn(process.execPath, [join(root, 'dist/canary/index.js')], { env, stdio: 'ignore' });
    const ofAction = (await firstRequest.promise) - begun;
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The first pair warms the file cache.
    if (pair > 0) {
      bare.push(ofBare);
      action.push(ofAction);
    }
  }
  await close(server);
  const over = action.map((milliseconds, index) => milliseconds - (bare[index] ?? 0));
  print(`bare node -e 0:            ${spread(bare)}`);
  print(`start to first request:    ${spread(action)}`);
  print(`over bare node, paired:    ${spread(over)}   (aim: 120 ms)`);
  const loaded = await loadedAtOnce(join(root, 'dist/canary/index.js'));
  print(`compiled before it:        ${(sum(loaded) / 1e6).toFixed(2)} MB in ${loaded.length} files`);
  print(`dist, all files together:  ${((await sizeOf(join(root, 'dist'))) / 1e6).toFixed(2)} MB   (aim: below 8 MB)`);
}

/** `median ms (min–max)` */
export function spread(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (index: number) => (sorted[index] ?? Number.NaN).toFixed(0);
  return `${at(Math.floor(sorted.length / 2))} ms (${at(0)}–${at(sorted.length - 1)})`;
}

/** The bytes of each file that is compiled with an entry. With a token, the canary loads nothing else before its first request. */
async function loadedAtOnce(entry: string): Promise<number[]> {
  const sizes = new Map<string, number>();
  async function visit(file: string): Promise<void> {
    if (sizes.has(file)) return;
    sizes.set(file, 0);
    const code = await readFile(file, 'utf8');
    sizes.set(file, Buffer.byteLength(code));
    const { module } = parseSync(file, code);
    const paths = module.staticImports.map(({ moduleRequest }) => moduleRequest.value);
    for (const path of paths) if (path.startsWith('.')) await visit(join(dirname(file), path));
  }
  await visit(entry);
  return [...sizes.values()];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  return sum(sizes);
}
