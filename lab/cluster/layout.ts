import { homedir } from 'node:os';
import { join } from 'node:path';
import { LAB } from '../programs/commands.ts';

/** The files of a running lab: `down` removes `run`; `logs` stays until the next `up`. */
const stateDir = join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), LAB);
export const runDir = join(stateDir, 'run');
export const logDir = join(stateDir, 'logs');

/** Measurements of the benchmark of the peers, which are kept. */
export const peersDir = join(stateDir, 'peers');

/** The credentials of the administrator, for use from the host. */
export const kubeconfigPath = join(stateDir, 'kubeconfig');

/** Every request to the API server, one JSON object a line. */
export const auditLogPath = join(logDir, 'audit.log');

export const netnsPath = `/run/netns/${LAB}`;

/** A veth pair connects the host and the lab's node; the addresses of pods and services are behind it. */
export const addresses = {
  host: '10.10.0.1',
  node: '10.10.0.2',
  pods: '10.10.1.0/24',
  services: '10.96.0.0/16',
} as const;

/** Ports of the node's address. */
export const ports = { apiserver: 6443, registry: 5000, prometheus: 9090, istiod: 15010, gateway: 30080 } as const;

/** The addresses of a running lab, reachable from the host and from its pods. */
export const endpoints = {
  apiserver: `https://${addresses.node}:${ports.apiserver}`,
  gateway: `http://${addresses.node}:${ports.gateway}`,
  prometheus: `http://${addresses.node}:${ports.prometheus}`,
  registry: `${addresses.node}:${ports.registry}`,
} as const;
