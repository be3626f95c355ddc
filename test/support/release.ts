import { expect, vi } from 'vitest';
import type { AuditEntry } from '../../lab/embedded/api-server/index.ts';
import type { KubeObject } from '../../lab/embedded/api-server/objects.ts';
import { findKind } from '../../lab/embedded/api-server/resources.ts';
import { type Lab, type LabOptions, startLab } from '../../lab/embedded/index.ts';
import type { Ended, Run } from '../../lab/embedded/runner.ts';
import { type ReleaseOptions, startRelease } from '../../lab/embedded/scenarios.ts';

/** The shortest possible plan: at small weights, confirming that the data plane follows would take many requests. */
export const brief = {
  steps: '30 for 1s, 100',
  'min-requests': '2',
  drain: '0s',
  timeout: '1m',
} as const;

/** A lab whose canary is derived, with enough requests for the brief plan. */
export const shop = { router: 'istio', arms: 'one', rate: 150 } as const satisfies LabOptions;

/** A lab with its releases, which is removed after the test. */
export async function inLab(
  options: LabOptions,
  tell: (stage: {
    readonly lab: Lab;
    /** Starts a release with the brief plan. */
    readonly start: (options?: ReleaseOptions) => Promise<Run>;
    /** Runs a release with the brief plan to its end. */
    readonly release: (options?: ReleaseOptions) => Promise<Ended>;
  }) => Promise<void>,
): Promise<void> {
  const lab = await startLab({ ...shop, ...options });
  const runs: Run[] = [];
  const start = async (release: ReleaseOptions = {}) => {
    const run = await startRelease(lab, {
      router: options.router ?? shop.router,
      ...release,
      inputs: { ...brief, ...release.inputs },
    });
    runs.push(run);
    return run;
  };
  try {
    await tell({ lab, start, release: async (release) => (await start(release)).ended });
  } finally {
    for (const run of runs) run.main.kill('SIGKILL');
    await lab.stop();
    await Promise.all(runs.map((run) => run.clean()));
  }
}

/** The current object of the shop; undefined if there is none. */
export function objectOf(lab: Lab, apiVersion: string, kind: string, name = 'checkout'): KubeObject | undefined {
  const resource = findKind(apiVersion, kind);
  if (!resource) throw new Error(`not a kind of the lab: ${kind}`);
  return lab.api.storage.get(resource, lab.namespace, name);
}

/** Names of the shop's objects of a kind. */
export function namesOf(lab: Lab, apiVersion: string, kind: string): string[] {
  const resource = findKind(apiVersion, kind);
  if (!resource) throw new Error(`not a kind of the lab: ${kind}`);
  return lab.api.storage.list(resource, lab.namespace).map(({ metadata }) => metadata.name);
}

const reading = new Set(['get', 'list', 'watch']);

/** The requests by which Sluice changed something, or tried to. */
export function writesTo(lab: Lab): AuditEntry[] {
  return lab.api.audit.filter(
    ({ verb, resource, dryRun }) => !reading.has(verb) && !dryRun && !resource.startsWith('selfsubject'),
  );
}

/** Expects that shifting lost no request: a pod has answered each. */
export function expectServed(lab: Lab): void {
  expect(lab.load.log.length).toBeGreaterThan(0);
  expect(lab.load.log.filter(({ status, version }) => status === 0 || status === 503 || version === '')).toEqual([]);
}

/** The versions in the answers to the last requests. */
function versionsServed(lab: Lab, last = 20): string[] {
  return [...new Set(lab.load.log.slice(-last).map(({ version }) => version))];
}

/** Resolves when Prometheus has seen the counters of some requests. */
export async function scraped(lab: Lab): Promise<void> {
  await vi.waitFor(() => expect(lab.load.log.length).toBeGreaterThan(20), { timeout: 5_000 });
  await lab.prometheus.scrape();
}

/** Resolves when all answers come from this version. */
export function servesOnly(lab: Lab, version: string): Promise<void> {
  return vi.waitFor(() => expect(versionsServed(lab)).toEqual([version]), { timeout: 5_000 });
}

/** The messages of the annotations of one level. */
export function annotations({ log }: Pick<Ended, 'log'>, level: 'error' | 'warning' | 'notice'): string[] {
  return [...log.matchAll(new RegExp(`^::${level}\\b[^:]*::(.*)$`, 'gm'))].map(([, message = '']) =>
    message.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%'),
  );
}

/** Expects no secret in the log, the outputs and the summary; the runner masks what `add-mask` names. */
export function expectNoSecret({ log, outputs, summary }: Ended, secrets: readonly string[]): void {
  const shown = log.replaceAll(/^::add-mask::.*$/gm, '') + JSON.stringify(outputs) + summary;
  for (const secret of secrets) expect(shown).not.toContain(secret);
}
