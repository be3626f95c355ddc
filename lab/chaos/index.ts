import { connect } from '../cluster/kubernetes.ts';
import { lock } from '../cluster/lock.ts';
import { LAB, say } from '../programs/commands.ts';
import { installPackages } from '../programs/debian.ts';
import { debianPackages } from '../programs/versions.ts';
import { chart } from './chart.ts';
import { install, resume, uninstall } from './install.ts';
import { controller, daemon } from './programs.ts';

/** In the order of their builds. */
const parts = { 'chaos-mesh-chart': chart, 'chaos-daemon': daemon, 'chaos-controller-manager': controller };

/** Builds what is missing: one after the other, as each build uses every core. */
export async function buildChaos(signal: AbortSignal): Promise<void> {
  await installPackages(debianPackages.chaos, signal);
  for (const part of Object.values(parts)) await part.build(signal);
}

/** The parts of Chaos Mesh that tests can't start yet. */
export function notBuilt(): string[] {
  return Object.entries(parts).flatMap(([name, part]) => (part.isBuilt() ? [] : [name]));
}

const never = new AbortController().signal;

export interface ChaosMesh {
  /** Ends every fault of the cluster and then Chaos Mesh; nothing of it is left. Can be repeated. */
  stop(): Promise<void>;
}

/**
 * Installs Chaos Mesh on the lab that is up, and waits until it takes faults. One process of this machine has it at a time:
 * others wait for its `stop`, or for its end. What it has left then is removed first.
 */
export async function startChaosMesh(signal: AbortSignal): Promise<ChaosMesh> {
  const api = await connect();
  const held = await lock(signal, { name: `${LAB}-chaos`, what: 'another test with Chaos Mesh' });
  let installed = true;
  async function stop(): Promise<void> {
    if (!installed) return;
    await resume(never);
    await remove();
  }
  async function remove(): Promise<void> {
    await uninstall(api);
    installed = false;
    await held[Symbol.asyncDispose]();
  }
  try {
    await installPackages(debianPackages.chaos, signal);
    await install(api, signal);
    return { stop };
  } catch (error) {
    await remove().catch((another: unknown) => say(`Chaos Mesh could not be removed: ${another}`));
    throw error;
  }
}
