import { join } from 'node:path';
import { cached, cachePath } from '../programs/cache.ts';
import { buildModule, type GoProgram } from '../programs/golang.ts';
import { versions } from '../programs/versions.ts';

const kubernetesVersion = `v${versions.kubernetes}`;

function ofKubernetes(name: string): GoProgram {
  return {
    module: 'k8s.io/kubernetes',
    version: kubernetesVersion,
    package: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  };
}

/** The programs of etcd and the API server, which are enough for contract tests. */
const controlPlane = {
  // In the version that Kubernetes itself pins.
  etcd: { module: 'k8s.io/kubernetes', version: kubernetesVersion, package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': ofKubernetes('kube-apiserver'),
} satisfies Record<string, GoProgram>;

const cluster = {
  'kube-controller-manager': ofKubernetes('kube-controller-manager'),
  'kube-scheduler': ofKubernetes('kube-scheduler'),
  kubelet: ofKubernetes('kubelet'),
  'kube-proxy': ofKubernetes('kube-proxy'),
  istiod: {
    module: 'istio.io/istio',
    version: versions.istio,
    package: 'istio.io/istio/pilot/cmd/pilot-discovery',
    // Its go.mod names commits of these modules; a module proxy certainly has the releases.
    edits: [
      '-replace=github.com/envoyproxy/go-control-plane/envoy=github.com/envoyproxy/go-control-plane/envoy@v1.40.0',
      '-replace=istio.io/api=istio.io/api@v1.31.4',
      '-replace=istio.io/client-go=istio.io/client-go@v1.31.4',
    ],
  },
  prometheus: {
    module: 'github.com/prometheus/prometheus',
    version: versions.prometheus,
    package: 'github.com/prometheus/prometheus/cmd/prometheus',
    // The libraries of the clouds would take most of the build time.
    tags: ['remove_all_sd', 'enable_kubernetes_sd'],
  },
} satisfies Record<string, GoProgram>;

/** Programs that tests start beside the cluster, and build when needed. */
const tools = {
  toxiproxy: {
    module: 'github.com/Shopify/toxiproxy/v2',
    version: versions.toxiproxy,
    package: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  },
} satisfies Record<string, GoProgram>;

/** Programs that run and check workflows in tests. */
const workflowTools = {
  act: { module: 'github.com/nektos/act', version: versions.act, package: 'github.com/nektos/act' },
  actionlint: {
    module: 'github.com/rhysd/actionlint',
    version: versions.actionlint,
    package: 'github.com/rhysd/actionlint/cmd/actionlint',
  },
} satisfies Record<string, GoProgram>;

/** The versions of Helm; tests of the action build them when needed. */
const helms = {
  helm: { module: 'helm.sh/helm/v4', version: versions.helm, package: 'helm.sh/helm/v4/cmd/helm' },
  helm3: { module: 'helm.sh/helm/v3', version: versions.helm3, package: 'helm.sh/helm/v3/cmd/helm' },
} satisfies Record<string, GoProgram>;

/** Programs with which tests build and sign images. */
const builders = {
  buildkitd: {
    module: 'github.com/moby/buildkit',
    version: versions.buildkit,
    package: 'github.com/moby/buildkit/cmd/buildkitd',
  },
  buildx: {
    module: 'github.com/docker/buildx',
    version: versions.buildx,
    package: 'github.com/docker/buildx/cmd/buildx',
    ldflags: `-X github.com/docker/buildx/version.Version=${versions.buildx}`,
  },
  cosign: {
    module: 'github.com/sigstore/cosign/v3',
    version: versions.cosign,
    package: 'github.com/sigstore/cosign/v3/cmd/cosign',
  },
} satisfies Record<string, GoProgram>;

/** Other tools for the same task, which the benchmark of the peers starts beside the cluster. */
const peers = {
  flagger: {
    module: 'github.com/fluxcd/flagger',
    version: versions.flagger,
    package: 'github.com/fluxcd/flagger/cmd/flagger',
  },
  'argo-rollouts': {
    module: 'github.com/argoproj/argo-rollouts',
    version: versions.argoRollouts,
    package: 'github.com/argoproj/argo-rollouts/cmd/rollouts-controller',
    toolchain: versions.argoToolchain,
  },
} satisfies Record<string, GoProgram>;

const programs: Record<
  | keyof typeof controlPlane
  | keyof typeof cluster
  | keyof typeof tools
  | keyof typeof workflowTools
  | keyof typeof helms
  | keyof typeof builders
  | keyof typeof peers,
  GoProgram
> = { ...controlPlane, ...cluster, ...tools, ...workflowTools, ...helms, ...builders, ...peers };
type ProgramName = keyof typeof programs;

/** The path of a program after it was built. */
export function programPath(name: ProgramName): string {
  return join(cachePath(name, programs[name].version), name);
}

/** Builds what is missing, one after the other, as each build uses every core. */
async function build(wanted: Readonly<Record<string, GoProgram>>, signal: AbortSignal): Promise<void> {
  for (const [name, program] of Object.entries(wanted)) {
    await cached(name, program.version, (dir) => buildModule(program, join(dir, name), signal));
  }
}

export function buildControlPlane(signal: AbortSignal): Promise<void> {
  return build(controlPlane, signal);
}

export function buildCluster(signal: AbortSignal): Promise<void> {
  return build(cluster, signal);
}

export function buildPrometheus(signal: AbortSignal): Promise<void> {
  return build({ prometheus: cluster.prometheus }, signal);
}

export function buildTools(signal: AbortSignal): Promise<void> {
  return build(tools, signal);
}

export function buildWorkflowTools(signal: AbortSignal): Promise<void> {
  return build(workflowTools, signal);
}

export function buildHelm(signal: AbortSignal): Promise<void> {
  return build(helms, signal);
}

export function buildBuilders(signal: AbortSignal): Promise<void> {
  return build(builders, signal);
}

export function buildPeers(signal: AbortSignal): Promise<void> {
  return build(peers, signal);
}
