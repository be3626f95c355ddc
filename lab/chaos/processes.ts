import { once } from 'node:events';
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { writeKubeconfig } from '../cluster/config.ts';
import { fromHost } from '../cluster/host.ts';
import { addresses, runDir } from '../cluster/layout.ts';
import { type Component, start, stop } from '../cluster/processes.ts';
import { type Chart, namespace } from './chart.ts';
import { controller, daemon } from './programs.ts';

/** Of the node's address: the chart's own, and those of `values.yaml`. */
export const ports = { daemon: 31767, daemonHttp: 31766, webhook: 19443, metrics: 19080 } as const;

const folder = join(runDir, namespace);
const kubeconfigPath = join(folder, 'kubeconfig');
const certificates = {
  webhook: 'chaos-mesh-webhook-certs',
  daemon: 'chaos-mesh-daemon-certs',
  client: 'chaos-mesh-daemon-client-certs',
} as const;
const certificateFile = (of: keyof typeof certificates, file: string) => join(folder, certificates[of], file);

const programs = join(folder, 'bin');

/** Writes what the processes read: what the chart gives their pods, and the token of the controller's account. */
export async function writeFiles(chart: Chart, account: string, token: string): Promise<void> {
  await mkdir(programs, { recursive: true });
  await copyFile(join(import.meta.dirname, 'nsexec.sh'), join(programs, 'nsexec'));
  await chmod(join(programs, 'nsexec'), 0o755);
  for (const name of Object.values(certificates)) await chart.writeSecret(name, join(folder, name));
  await writeKubeconfig(kubeconfigPath, account, token);
}

/** Starts the daemon and the controller where they don't run. */
export async function startProcesses(chart: Chart, signal: AbortSignal): Promise<void> {
  await start('chaos-daemon', daemonProcess(), signal);
  await start('chaos-controller-manager', controllerProcess(chart.controllerEnv()), signal);
}

/** Stops them, and removes their files. */
export async function stopProcesses(signal: AbortSignal): Promise<void> {
  // It would wait for a second SIGTERM.
  await stop('chaos-controller-manager', signal, 0);
  await stop('chaos-daemon', signal);
  await rm(folder, { recursive: true, force: true });
}

function daemonProcess(): Component {
  const options = {
    runtime: 'containerd',
    'runtime-socket-path': join(runDir, 'containerd.sock'),
    'grpc-port': `${ports.daemon}`,
    'http-port': `${ports.daemonHttp}`,
    ca: certificateFile('daemon', 'ca.crt'),
    cert: certificateFile('daemon', 'tls.crt'),
    key: certificateFile('daemon', 'tls.key'),
  };
  const argv = [daemon.path, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)];
  const withPrograms = ['sh', '-c', 'mount --bind "$0" /usr/local/bin && exec "$@"', programs];
  return {
    // It calls nsexec as /usr/local/bin/nsexec. That mount is its own, and it sees those that the node makes later.
    argv: ['unshare', '--mount', '--propagation=slave', ...withPrograms, ...argv],
    ready: () => listens(ports.daemon),
  };
}

function controllerProcess(env: Readonly<Record<string, string>>): Component {
  return {
    argv: [controller.path],
    env: {
      ...env,
      KUBECONFIG: kubeconfigPath,
      CERTS_DIR: join(folder, certificates.webhook),
      CHAOS_MESH_CA_CERT: certificateFile('client', 'ca.crt'),
      CHAOS_DAEMON_CLIENT_CERT: certificateFile('client', 'tls.crt'),
      CHAOS_DAEMON_CLIENT_KEY: certificateFile('client', 'tls.key'),
    },
    ready: () => listens(ports.webhook),
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: addresses.node, port, ...fromHost });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
