import { SluiceError } from '../../src/core/errors.ts';
import { createHelm, type Helm } from '../../src/helm/cli.ts';
import type { HelmEvent } from '../../src/helm/events.ts';
import { type History, parseHistory } from '../../src/helm/history.ts';
import type { DeployRequest, HelmWorld, ReleaseObjects, WantedRelease } from '../../src/helm/ports.ts';
import type { Release } from '../../src/helm/release.ts';

/** The message of Helm 4 and 3 about a kind that the cluster does not serve. */
export const unknownKind = new SluiceError('failed', {
  about: 'release shop/shop',
  problem:
    'helm upgrade: unable to build kubernetes objects from release manifest: resource mapping not found for name: "w1" namespace: "" from "": no matches for kind "Widget" in version "field.example/v1"\nensure CRDs are installed first.',
  next: '',
});

const change = { timeout: 60_000, wait: true, waitForJobs: false, historyMax: 10, forceConflicts: false };

export const deployRequest: DeployRequest = {
  id: '1',
  release: 'shop',
  namespace: 'shop',
  change,
  undoOnFailure: true,
  test: false,
  dryRun: false,
  force: false,
  desired: { ...change, values: [], serverSide: 'auto' },
};

/** A release in Helm's output. */
export function releaseOf(version: number, more: Partial<Release> = {}): Release {
  return {
    version,
    info: { status: 'deployed', notes: '' },
    chart: { metadata: { name: 'shop', version: '1.0.0', appVersion: '' } },
    manifest: '---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    ...more,
  };
}

/** The history of a release with one deployed revision. */
const oneRevision: History = parseHistory(
  JSON.stringify([{ revision: 1, status: 'deployed', chart: 'shop-1.0.0', description: 'Install complete' }]),
);

interface Told {
  readonly events: HelmEvent[];
  /** The changes that Helm was told to make: `upgrade`, `uninstall`. */
  readonly acts: string[];
  /** The requested releases. */
  readonly wanted: WantedRelease[];
  /** Manifests whose workloads were watched. */
  readonly watched: string[];
  readonly removed: string[];
}

/** Helm and a cluster in which everything succeeds, except for the given overrides. */
export function helmWorld(helm: Partial<Helm>, objects: Partial<ReleaseObjects> = {}) {
  const told: Told = { events: [], acts: [], wanted: [], watched: [], removed: [] };
  const act = (name: string) => async () => void told.acts.push(name);
  const world: HelmWorld = {
    helm: {
      ...createHelm({ file: 'none', release: 'shop', namespace: 'shop', env: {}, flags: [], onLine: () => undefined }),
      version: async () => 4,
      lint: async () => undefined,
      history: async () => oneRevision,
      render: async () => releaseOf(2),
      release: async () => releaseOf(1),
      upgrade: act('upgrade'),
      uninstall: act('uninstall'),
      ...helm,
    },
    objects: {
      async changes(wanted) {
        told.wanted.push(wanted);
        return [];
      },
      names: async () => [],
      unserved: async () => [],
      remains: async () => ({ gone: [], left: [], unknown: [] }),
      async remove(manifest) {
        told.removed.push(manifest);
      },
      async watch(manifest, watched) {
        watched?.mayBegin();
        told.watched.push(manifest);
      },
      ...objects,
    },
    changes: { load: async () => undefined, save: async () => undefined },
    clock: { now: () => 0, sleep: async () => undefined },
    emit: (event) => void told.events.push(event),
    claim: async () => ({ lost: new AbortController().signal, release: async () => undefined }),
    stable: undefined,
    underRollout: async () => new Map(),
    fetchChart: async () => ({ path: 'chart', digest: 'sha256:1' }),
    missingNamespace: async () => undefined,
  };
  return { world, told };
}
