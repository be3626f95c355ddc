import { join } from 'node:path';
import { exists } from '../programs/cache.ts';
import { LAB } from '../programs/commands.ts';
import { frontProxy } from './certificates.ts';
import {
  certificateDir,
  certificateFile,
  configPath,
  kubeconfigOf,
  nodeUser,
  serviceAccountKey,
  tokenFile,
} from './config.ts';
import { answers } from './host.ts';
import { addresses, auditLogPath, endpoints, ports, runDir } from './layout.ts';
import { type Component, start } from './processes.ts';
import { programPath } from './programs.ts';

/** Every process of the lab by name, in display order. */
export const components = {
  etcd: {
    argv: [
      programPath('etcd'),
      `--data-dir=${join(runDir, 'etcd')}`,
      `--listen-client-urls=http://${addresses.node}:2379`,
      `--advertise-client-urls=http://${addresses.node}:2379`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      // The lab's data need not survive a crash of the machine.
      '--unsafe-no-fsync',
    ],
    ready: () => answers(`http://${addresses.node}:2379/health`),
  },
  'kube-apiserver': {
    argv: [
      programPath('kube-apiserver'),
      `--etcd-servers=http://${addresses.node}:2379`,
      `--advertise-address=${addresses.node}`,
      `--secure-port=${ports.apiserver}`,
      `--cert-dir=${certificateDir}`,
      `--service-cluster-ip-range=${addresses.services}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${serviceAccountKey}`,
      `--service-account-signing-key-file=${serviceAccountKey}`,
      `--token-auth-file=${tokenFile}`,
      '--authorization-mode=Node,RBAC',
      '--allow-privileged',
      '--kubelet-preferred-address-types=InternalIP',
      `--audit-policy-file=${configPath('audit-policy.yaml')}`,
      `--audit-log-path=${auditLogPath}`,
      // What the servers of aggregated APIs need to know who asks: they find it in extension-apiserver-authentication.
      `--requestheader-client-ca-file=${frontProxy.authority}`,
      `--requestheader-allowed-names=${frontProxy.name}`,
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${frontProxy.certificate}`,
      `--proxy-client-key-file=${frontProxy.key}`,
      // Megabytes: one file for the whole life of a lab.
      '--audit-log-maxsize=10000',
    ],
    ready: () => answers(`${endpoints.apiserver}/readyz`),
  },
  'kube-controller-manager': {
    argv: [
      programPath('kube-controller-manager'),
      `--kubeconfig=${kubeconfigOf('system:kube-controller-manager')}`,
      `--root-ca-file=${certificateFile}`,
      `--service-account-private-key-file=${serviceAccountKey}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
    ],
    ready: () => answers(`https://${addresses.node}:10257/healthz`),
  },
  'kube-scheduler': {
    argv: [
      programPath('kube-scheduler'),
      `--kubeconfig=${kubeconfigOf('system:kube-scheduler')}`,
      '--leader-elect=false',
    ],
    ready: () => answers(`https://${addresses.node}:10259/healthz`),
  },
  'kube-proxy': {
    argv: [programPath('kube-proxy'), `--config=${configPath('kube-proxy.yaml')}`],
    ready: () => answers(`http://${addresses.node}:10256/healthz`),
  },
  containerd: {
    argv: ['containerd', `--config=${configPath('containerd.toml')}`],
    ready: () => exists(join(runDir, 'containerd.sock')),
  },
  kubelet: {
    argv: [
      programPath('kubelet'),
      `--config=${configPath('kubelet.yaml')}`,
      `--kubeconfig=${kubeconfigOf(nodeUser)}`,
      `--hostname-override=${LAB}`,
      `--node-ip=${addresses.node}`,
      `--root-dir=${join(runDir, 'kubelet')}`,
      `--cert-dir=${join(runDir, 'kubelet/pki')}`,
    ],
    ready: () => answers(`https://${addresses.node}:10250/healthz`),
  },
  registry: {
    argv: ['docker-registry', 'serve', configPath('registry.yaml')],
    ready: () => answers(`http://${endpoints.registry}/v2/`),
  },
  istiod: {
    argv: [
      programPath('istiod'),
      'discovery',
      `--kubeconfig=${kubeconfigOf('istiod')}`,
      `--meshConfig=${configPath('mesh.yaml')}`,
      `--httpAddr=${addresses.node}:18080`,
      '--httpsAddr=',
      `--grpcAddr=${addresses.node}:${ports.istiod}`,
      '--secureGRPCAddr=',
      '--ctrlz_port=0',
    ],
    env: { PILOT_ENABLE_ALPN_FILTER: 'false', PILOT_ENABLE_METADATA_EXCHANGE: 'false' },
    ready: () => answers(`http://${addresses.node}:18080/ready`),
  },
} satisfies Record<string, Component>;
export type ComponentName = keyof typeof components;

export function isComponent(name: string): name is ComponentName {
  return Object.hasOwn(components, name);
}

/** Starts components one after the other, each when the previous one is ready. Running ones are left alone. */
export async function startComponents(names: readonly ComponentName[], signal: AbortSignal): Promise<void> {
  for (const name of names) await start(name, components[name], signal);
}
