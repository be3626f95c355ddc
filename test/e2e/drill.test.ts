import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type JsonRecord, recordOf } from '../../lab/embedded/api-server/objects.ts';
import { findKind } from '../../lab/embedded/api-server/resources.ts';
import { type Lab, startLab } from '../../lab/embedded/index.ts';
import { actionFolder, type Run, runAction } from '../../lab/embedded/runner.ts';

/** A shop whose owners allow drills. */
async function inShop(tell: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await startLab({ router: 'istio', arms: 'one' });
  try {
    lab.api.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: lab.namespace, labels: { 'sluice.dev/drill': 'allowed' } },
    });
    await tell(lab);
  } finally {
    await lab.stop();
  }
}

const asked = ({ gateway, host }: Lab) =>
  `{check: load, url: "${gateway.url}", requests: [GET /], rate: 100/s, headers: {host: ${host}}}`;

const brief = { baseline: '3s', 'steady-for': '5s', 'recovery-timeout': '30s' };

function drill(
  lab: Lab,
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return runAction({
    action: actionFolder('drill'),
    inputs: { kubeconfig: lab.kubeconfigPath, service: 'checkout', requests: asked(lab), ...brief, ...inputs },
    env: { GITHUB_RUN_ID: '3', GITHUB_ACTOR: 'bob', ...env },
  });
}

function virtualService({ api, namespace }: Lab): JsonRecord {
  const resource = findKind('networking.istio.io/v1', 'VirtualService');
  if (!resource) throw new Error('the lab has no VirtualServices');
  return recordOf(api.storage.get(resource, namespace, 'checkout')?.spec);
}

const report = z.looseObject({
  verdict: z.string(),
  faults: z.array(z.looseObject({ effect: z.looseObject({ felt: z.string() }) })),
});

describe.concurrent('actions/drill', () => {
  it('finds out what users lose, says so in all its results, and takes the fault out of the route', async () => {
    await inShop(async (lab) => {
      const before = virtualService(lab);
      const run = await drill(lab, {
        faults: 'istio-abort 503 20% on virtualservice/checkout for 6s',
        'stop-when': 'never',
        report: 'drill.json',
        history: 'history.json',
      });
      const { status, outputs, log, summary } = await run.ended;
      try {
        expect(outputs, log).toMatchObject({ verdict: 'not-resilient', felt: 'felt', resilient: 'false', left: '' });
        expect(status).toBe(1);
        expect(Number(outputs.lost)).toBeGreaterThan(60);
        expect(Number(outputs['recovery-after-removal'])).toBeLessThan(2);
        expect(summary).toContain('not resilient');
        expect(virtualService(lab)).toEqual(before);
        const json = report.parse(JSON.parse(await readFile(join(run.workspace, 'drill.json'), 'utf8')));
        expect(json).toMatchObject({ verdict: 'not-resilient', faults: [{ effect: { felt: 'felt' } }] });
        expect(await readFile(outputs['report-html'] ?? '', 'utf8')).toMatch(/^<!doctype html>/);
        expect(await readFile(join(run.workspace, 'history.json'), 'utf8')).toContain('istio-abort 503 20%');
      } finally {
        await run.clean();
      }
    });
  });

  it('is resilient where users feel nothing of a pod that is replaced', async () => {
    await inShop(async (lab) => {
      const run = await drill(lab, { faults: 'pod-kill on app=checkout one' });
      const { status, outputs, log } = await run.ended;
      await run.clean();
      expect(outputs, log).toMatchObject({ verdict: 'resilient', felt: 'felt', score: '100' });
      expect(status).toBe(0);
    });
  });

  it('hits no user where the fault looks for a header, and compares with requests without it', async () => {
    await inShop(async (lab) => {
      const run = await drill(lab, {
        faults: 'istio-abort 503 100% header x-drill=1 on virtualservice/checkout for 30s',
        'stop-when': 'never',
      });
      const { outputs, log } = await run.ended;
      await run.clean();
      expect(outputs.verdict, log).toBe('not-resilient');
      expect(log).toMatch(/control arm.*(missed|failed)/);
      expect(log).toMatch(/clean ones of the same time/);
    });
  });

  it('breaks nothing where the namespace does not allow it, in a dry run, and with wrong inputs', async () => {
    await inShop(async (lab) => {
      const before = virtualService(lab);
      const faults = 'istio-abort 503 20% on virtualservice/checkout for 6s';
      const dry = await drill(lab, { faults, 'dry-run': 'true' });
      const shown = await dry.ended;
      await dry.clean();
      expect(shown.status, shown.log).toBe(0);
      expect(shown.log).toContain('patch VirtualService shop/checkout');

      const wrong = await drill(lab, { faults: 'pod-kil on app=checkout', 'max-pods': 'many', targets: 'success > 1' });
      const refused = await wrong.ended;
      await wrong.clean();
      expect(refused.status).toBe(1);
      for (const word of ['"pod-kill" is near', '"max-pods"', '"targets"']) expect(refused.log).toContain(word);

      lab.api.put({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: lab.namespace, labels: { 'sluice.dev/drill': 'no' } },
      });
      const closed = await drill(lab, { faults });
      const told = await closed.ended;
      await closed.clean();
      expect(told.status).toBe(1);
      expect(told.log).toContain('kubectl label namespace shop sluice.dev/drill=allowed');
      expect(virtualService(lab)).toEqual(before);
    });
  });

  it('that is killed is ended by its post step', async () => {
    await inShop(async (lab) => {
      const before = virtualService(lab);
      const run = await drill(lab, {
        faults: 'istio-delay 2s 100% on virtualservice/checkout for 5m',
        'stop-when': 'never',
      });
      await lab.until(() => JSON.stringify(virtualService(lab)).includes('fixedDelay'));
      run.main.kill('SIGKILL');
      const { log } = await run.ended;
      await run.clean();
      expect(virtualService(lab), log).toEqual(before);
    });
  });
});
