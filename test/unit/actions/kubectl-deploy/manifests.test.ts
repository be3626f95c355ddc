import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectlInputs } from '../../../../src/actions/kubectl-deploy/inputs.ts';
import { loadManifests, secretValues } from '../../../../src/actions/kubectl-deploy/manifests.ts';
import { parseManifests } from '../../../../src/apply/objects.ts';
import { parseInputs } from '../../../../src/runner/parse-inputs.ts';

const signal = new AbortController().signal;
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

describe('the paths of manifests', () => {
  let workspace = '';
  let temp = '';
  beforeAll(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'sluice-workspace-'));
    temp = await mkdtemp(join(tmpdir(), 'sluice-temp-'));
    await writeFile(join(workspace, 'app.yaml'), configMap('app'));
    await writeFile(join(temp, 'baked-1.yaml'), configMap('baked'));
    await writeFile(
      join(temp, 'wide.json'),
      Buffer.from(
        `\uFEFF${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'wide' } })}`,
        'utf16le',
      ),
    );
  });
  afterAll(() => Promise.all([workspace, temp].map((folder) => rm(folder, { recursive: true }))));

  async function load(manifests: string): Promise<string[]> {
    const inputs = parseInputs(kubectlInputs, { name: 'shop', manifests }, 'kubectl-deploy', () => []);
    const objects = await loadManifests(inputs, workspace, signal);
    return objects.map(({ manifest, source }) => `${manifest.metadata.name} of ${source}`);
  }

  it('are relative to the workspace or absolute, files, folders and globs', async () => {
    const baked = join(temp, 'baked-1.yaml');
    expect(await load(`app.yaml\n${baked}`)).toEqual(['app of app.yaml', `baked of ${baked}`]);
    expect(await load(join(temp, 'b*.yaml'))).toEqual([`baked of ${baked}`]);
    expect(await load(temp)).toEqual([`baked of ${baked}`, `wide of ${join(temp, 'wide.json')}`]);
    const outside = relative(workspace, baked);
    expect(await load(outside)).toEqual([`baked of ${outside}`]);
  });

  it.each([
    ['a path without anything', 'nowhere/*.yaml', "can't read nowhere/*.yaml: nothing is there"],
    ['an absolute one', '/nowhere/app.yaml', "can't read /nowhere/app.yaml: nothing is there"],
    ['a URL', 'https://manifests.example/app.yaml', 'a URL is no path. Fetch it in an earlier step'],
  ])('%s is refused as the input that it is', async (_, path, message) => {
    await expect(load(path)).rejects.toMatchObject({
      code: 'invalid-input',
      about: 'input "manifests"',
      message: expect.stringContaining(message),
    });
  });
});

describe('what is masked of Secrets', () => {
  const secret = (content: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: {name: checkout-db, labels: {team: payments}}\n${content}`;
  const masked = (text: string, names: readonly string[] = []) =>
    secretValues(parseManifests([{ name: 'app.yaml', text }]), names);

  it('is no name of an object, no part of one and no label', () => {
    const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: production-web.eu, namespace: customers}\n';
    const words = ['checkout-db', 'production', 'production-web', 'customers', 'payments', 'warehouse'];
    const values = words.map((word, index) => `  k${index}: ${word}`).join('\n');
    const text = `${secret(`stringData:\n${values}\n  password: correct-horse\n`)}---\n${service}`;
    expect(masked(text, ['warehouse'])).toEqual(['correct-horse']);
  });

  it('is no name either where the value is encoded', () => {
    const encoded = Buffer.from('checkout-db').toString('base64');
    expect(masked(secret(`data: {user: ${encoded}}\n`))).toEqual([]);
  });

  it('is each long line of a value of several lines, and no bracket', () => {
    const json = 'stringData:\n  config.json: |\n    {\n      "password": "correct-horse"\n    }\n';
    expect(masked(secret(json))).toEqual(['"password": "correct-horse"']);
  });

  it('is a value that stands in another object as well: a password in the open is still one', () => {
    const text = `${secret('stringData: {password: battery-staple}\n')}---\n${configMap('a')}data: {password: battery-staple}\n`;
    expect(masked(text)).toEqual(['battery-staple']);
  });
});
