import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { findKind } from '../../lab/embedded/api-server/resources.ts';
import type { Lab } from '../../lab/embedded/index.ts';
import { actionFolder, runAction } from '../../lab/embedded/runner.ts';
import { annotations, inLab, namesOf, objectOf, writesTo } from '../support/release.ts';

/** What somebody has written into a record of Sluice's is refused by name, and can be given up. */
const stored = z.looseObject({ data: z.record(z.string(), z.string()) });

/** Somebody who may write ConfigMaps changes one. */
function forge(lab: Lab, name: string, key: string, edit: (text: string) => string): void {
  const configMaps = findKind('v1', 'ConfigMap');
  if (!configMaps) throw new Error('the lab has no ConfigMaps');
  lab.api.registry.modify(
    { resource: configMaps, namespace: lab.namespace, name },
    (found) => {
      const { data } = stored.parse(found);
      return { ...found, data: { ...data, [key]: edit(data[key] ?? '') } };
    },
    { manager: 'mallory' },
  );
}

/** The names of what Sluice has changed since. */
const changedSince = (lab: Lab, from: number) => [
  ...new Set(
    writesTo(lab)
      .slice(from)
      .map(({ name }) => name),
  ),
];

describe('a record that somebody has forged', () => {
  it('of a rollout: is refused by name, given up by "mode: discard-record", and the next release is made', async () => {
    await inLab({}, async ({ lab, release }) => {
      expect((await release()).outputs.verdict).toBe('promoted');
      forge(lab, 'sluice-checkout', 'record', (text) => {
        const {
          verdict: _,
          endedAt: __,
          ...record
        } = z.looseObject({ arms: z.looseObject({}) }).parse(JSON.parse(text));
        const data = z.looseObject({ stable: z.looseObject({}) }).parse(record.arms.data);
        const stable = { ...data.stable, name: 'payments' };
        return JSON.stringify({ ...record, phase: 'shifting', arms: { ...record.arms, data: { ...data, stable } } });
      });
      const back = { inputs: { image: lab.stableImage } };
      const before = writesTo(lab).length;
      const refused = await release(back);
      expect(refused.status).toBe(1);
      expect(annotations(refused, 'error').join('\n')).toMatch(
        /ConfigMap shop\/sluice-checkout: .*payments.*"?mode: discard-record/s,
      );
      expect(changedSince(lab, before)).toEqual([]);

      const given = await release({ inputs: { mode: 'discard-record' } });
      expect(given.status, given.log).toBe(0);
      const warnings = annotations(given, 'warning').join('\n');
      expect(warnings).toContain('ConfigMap shop/sluice-checkout is given up. It said that');
      expect(warnings).toContain('versions, config and numbers of pods stay as they are now.');
      expect(warnings).toContain('VirtualService shop/checkout sends 0 % to the canary, and stays so.');
      expect(given.outputs.reason).toContain('Nothing but the record was changed.');
      expect(changedSince(lab, before)).toEqual(['sluice-checkout']);

      expect((await release(back)).outputs.verdict).toBe('promoted');
      expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout']);
    });
  });

  it('of a deployment: is refused by name, given up by "mode: discard-record", and the next one is made', async () => {
    await inLab({}, async ({ lab }) => {
      const manifest = (colour: string) =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: ${colour}}\n`;
      const deploy = async (colour: string, inputs: Readonly<Record<string, string>> = {}) => {
        const run = await runAction({
          action: actionFolder('kubectl-deploy'),
          inputs: { name: 'shop', manifests: 'app.yaml', namespace: 'shop', kubeconfig: lab.kubeconfigPath, ...inputs },
          files: { 'app.yaml': manifest(colour) },
        });
        const ended = await run.ended;
        await run.clean();
        return ended;
      };
      const colour = () => stored.parse(objectOf(lab, 'v1', 'ConfigMap', 'settings')).data.colour;
      expect((await deploy('blue')).outputs.verdict).toBe('deployed');
      forge(lab, 'sluice-inventory-shop', 'inventory', () => '{"schema":1}');

      const refused = await deploy('green');
      expect(refused.status).toBe(1);
      expect(annotations(refused, 'error').join('\n')).toMatch(
        /ConfigMap shop\/sluice-inventory-shop: .*"mode: discard-record"/s,
      );
      expect(colour()).toBe('blue');

      const given = await deploy('green', { mode: 'discard-record' });
      expect(given.status, given.log).toBe(0);
      expect(annotations(given, 'warning').join('\n')).toContain(
        'ConfigMap shop/sluice-inventory-shop is given up, and the objects that were kept for an undo. It named no object.',
      );
      expect(colour()).toBe('blue');

      expect((await deploy('green')).outputs.verdict).toBe('deployed');
      expect(colour()).toBe('green');
    });
  });
});
