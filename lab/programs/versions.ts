/** Every version that the lab runs. A changed version gives a new folder in the cache. */
export const versions = {
  /** etcd comes at the version that Kubernetes pins for its tests. */
  kubernetes: '1.36.3',
  /** A pseudo-version: Istio tags its releases without the `v` that Go modules want. */
  istio: 'v0.0.0-20260827124520-eed52ebb66ad',
  /** Must be the one that Istio requires in its own go.mod. */
  gatewayApi: 'v1.6.0',
  envoy: '1.40.0',
  /** Prometheus 3.x.y is the Go module v0.3xx.y; Debian's own has no Kubernetes service discovery. */
  prometheus: 'v0.316.0',
  /** What sources of a gate are tried on, in `lab/observability`. */
  alertmanager: 'v0.35.0',
  jaeger: 'v1.76.0',
  victoriaLogs: 'v1.52.1',
  /** The last with the API of Elasticsearch 7 that still runs on Java 11 to 21; its plugins have the same version. */
  opensearch: '2.19.6',
  /** Only tests of faults start it. */
  toxiproxy: 'v2.5.0',
  /** Runs workflow files, and checks them. */
  act: 'v0.2.89',
  actionlint: 'v1.7.12',
  /** Tests of actions/helm-deploy run both. */
  helm: 'v4.3.1',
  helm3: 'v3.22.0',
  /** Only the tests of image builds start them. */
  buildkit: 'v0.34.2',
  buildx: 'v0.38.2',
  cosign: 'v3.1.3',
  /** What the benchmark of the peers compares with; a lab without it doesn't build them. */
  flagger: 'v1.36.1',
  argoRollouts: 'v1.10.2',
  /** The Go that Argo Rollouts asks for. */
  argoToolchain: 'go1.27.3',
} as const;

/** From Debian, at the version that the machine's release has: what is missing is installed. */
export const debianPackages = {
  apiserver: ['iproute2'],
  cluster: ['containerd', 'runc', 'containernetworking-plugins', 'iptables', 'docker-registry'],
} as const;

/** Debian's packages of the commands that programs in Java are built and started with. */
export const javaPackages = { javac: 'default-jdk-headless', mvn: 'maven' } as const;
