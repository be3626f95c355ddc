import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { assembleHelm } from '../../../../src/actions/helm-deploy/assemble.ts';
import { helmInputs } from '../../../../src/actions/helm-deploy/inputs.ts';
import { runnerFacts } from '../../../../src/runner/github.ts';
import { parseInputs } from '../../../../src/runner/parse-inputs.ts';
import { urlSecrets } from '../../../../src/runner/secrets.ts';

const kubeconfig = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'u', user: {} }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'c',
});

const silent = { notice: () => undefined, warning: () => undefined, error: () => undefined };

/** The flags for Helm that the files of values become. */
async function flagsOf(files: string): Promise<readonly string[]> {
  const env = { GITHUB_WORKSPACE: '/work/space', RUNNER_TEMP: tmpdir() };
  const inputs = parseInputs(
    helmInputs,
    { kubeconfig, release: 'shop', chart: 'chart', 'values-files': files },
    'helm-deploy',
  );
  const clock = { now: () => 0, sleep: async () => undefined };
  const access = { env, step: 'main', mask: () => undefined, annotate: silent } as const;
  const assembled = await assembleHelm({ inputs, facts: runnerFacts(env), clock, emit: () => undefined, ...access });
  await assembled.close();
  return assembled.request.desired.values;
}

describe('files of values', () => {
  it.each([
    ['https://config.example/values.yaml', 'https://config.example/values.yaml'],
    ['http://config.example/a?ref=v1', 'http://config.example/a?ref=v1'],
    ['secrets://deploy/secrets.yaml', 'secrets://deploy/secrets.yaml'],
    ['S3://bucket/values.yaml', 'S3://bucket/values.yaml'],
    ['deploy/values.yaml', '/work/space/deploy/values.yaml'],
    ['../values.yaml', '/work/values.yaml'],
    ['/etc/values.yaml', '/etc/values.yaml'],
  ])('%s is given to Helm as %s', async (given, expected) => {
    expect(await flagsOf(given)).toEqual(['--values', expected]);
  });

  it('keep the secrets of their URLs secret', () => {
    expect(
      urlSecrets('https://robot:s%2Fsame-open@config.example/a.yaml?ref=v1&X-Amz-Signature=0123456789abcdef'),
    ).toEqual(['s%2Fsame-open', 's/same-open', '0123456789abcdef']);
    expect(urlSecrets('deploy/values.yaml')).toEqual([]);
  });
});

it('values may be any YAML that Helm takes', () => {
  const values = "note: 'one\ntwo'\nimage: {\n  tag: a\n}\nport: 1\nport: 2\n";
  const given = { release: 'shop', chart: 'chart', values };
  expect(parseInputs(helmInputs, given, 'helm-deploy').values).toBe(values.trim());
});
