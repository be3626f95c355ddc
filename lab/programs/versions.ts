/** Every version that the lab uses. A changed version gets a new folder in the cache. */
export const versions = {
  /** etcd has the version that Kubernetes pins for its tests. */
  kubernetes: '1.36.3',
  /** A pseudo-version: Istio tags its releases without the `v` that Go modules want. */
  istio: 'v0.0.0-20260827124520-eed52ebb66ad',
  /** Must be the version that Istio requires in its own go.mod. */
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
  /** Pseudo-versions, as the tags of Chaos Mesh are no versions of its Go modules; a commit of the time of 2.8.4. */
  chaosMesh: 'v0.9.1-0.20260902003049-47411975a8cb',
  /** The module of its types, which Chaos Mesh's own go.mod takes from a folder beside it. */
  chaosMeshApi: 'v0.0.0-20260906172039-d70b66ad97ac',
  /** Started only by tests of faults. */
  toxiproxy: 'v2.5.0',
  /** Its rules are what the gate's burn rates are compared with. */
  sloth: 'v0.16.0',
  /** Run workflow files, and check them. */
  act: 'v0.2.89',
  actionlint: 'v1.7.12',
  /** Tests of actions/helm-deploy use both. */
  helm: 'v4.3.1',
  helm3: 'v3.22.0',
  /** Started only by the tests of image builds. */
  buildkit: 'v0.34.2',
  buildx: 'v0.38.2',
  cosign: 'v3.1.3',
  /** What the benchmark of the peers compares with; a lab without it does not build them. */
  flagger: 'v1.36.1',
  argoRollouts: 'v1.10.2',
  /** The Go version that Argo Rollouts requires. */
  argoToolchain: 'go1.27.3',
} as const;

/** Debian packages, in the version of the machine's release; missing ones are installed. */
export const debianPackages = {
  apiserver: ['iproute2', 'openssl'],
  cluster: ['containerd', 'runc', 'containernetworking-plugins', 'iptables', 'docker-registry'],
  chaos: ['ipset', 'iptables', 'iproute2'],
} as const;

/** Debian's packages of the commands that programs in Java are built and started with. */
export const javaPackages = { javac: 'default-jdk-headless', mvn: 'maven' } as const;
