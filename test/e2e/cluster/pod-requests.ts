import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as z from 'zod';
import { insidePodNetwork } from '../../../lab/cluster/pod-network.ts';
import { run } from '../../../lab/programs/commands.ts';

/** What a request from a pod's network came to. */
const answer = z.object({
  /** HTTP status; undefined where nobody answered in time. */
  status: z.number().optional(),
  /** Milliseconds until the whole body was there, or until the request was given up. */
  took: z.number(),
});
type Answer = z.infer<typeof answer>;

const ask = `
const begun = performance.now();
const [, url, timeout] = process.argv;
let status;
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(Number(timeout)) });
  await response.arrayBuffer();
  status = response.status;
} catch (error) {
  if (error.name !== 'TimeoutError') throw error;
}
console.log(JSON.stringify({ status, took: performance.now() - begun }));`;

/**
 * Asks a URL from the network of a pod. A connection that is refused is an error.
 *
 * @param timeout milliseconds
 */
export async function askFrom(pod: string, url: string, timeout: number): Promise<Answer> {
  const [program = '', ...args] = await insidePodNetwork(pod, script(ask, [url, `${timeout}`]));
  return answer.parse(JSON.parse(await run(program, args)));
}

const serve = `
const [, port, bytes] = process.argv;
const body = Buffer.alloc(Number(bytes));
require('node:http').createServer((_, response) => response.end(body)).listen(Number(port), () => console.log('listens'));`;

/** Serves answers of a size on a port of a pod, until what it returns is killed. */
export async function serveFrom(pod: string, port: number, bytes: number): Promise<ChildProcess> {
  const [program = '', ...args] = await insidePodNetwork(pod, script(serve, [`${port}`, `${bytes}`], 'commonjs'));
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  return server;
}

/** The queueing disciplines of a pod's network, as tc lists them. */
export async function queuesOf(pod: string): Promise<string> {
  const [program = '', ...args] = await insidePodNetwork(pod, ['tc', 'qdisc', 'show', 'dev', 'eth0']);
  return run(program, args);
}

function script(text: string, args: readonly string[], type = 'module'): string[] {
  return [process.execPath, `--input-type=${type}`, '--eval', text, ...args];
}
