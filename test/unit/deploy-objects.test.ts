import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inApplyOrder, inDeleteOrder, parseManifests, resolveObjects } from '../../src/deploy/objects.ts';
import type { ServedKind } from '../../src/kubernetes/client.ts';

const signal = new AbortController().signal;

const served: Readonly<Record<string, readonly ServedKind[]>> = {
  v1: [
    { type: { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' }, namespaced: true },
    { type: { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' }, namespaced: false },
  ],
  'apiextensions.k8s.io/v1': [
    {
      type: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        plural: 'customresourcedefinitions',
      },
      namespaced: false,
    },
  ],
};
const client = { kindsIn: async (version: string) => [...(served[version] ?? [])] };

function configMap(name: string, more = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${more}}\n`;
}

async function resolve(text: string) {
  return resolveObjects(client, parseManifests([{ name: 'app.yaml', text }]), 'shop', signal);
}

describe('parseManifests', () => {
  it('reads documents, the items of lists, and leaves out what is empty', () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${configMap('b').trim().replaceAll('\n', '\n  ')}\n`;
    const objects = parseManifests([{ name: 'app.yaml', text: `# nothing\n---\n${configMap('a')}---\n---\n${list}` }]);
    expect(objects.map(({ manifest, source }) => [manifest.metadata.name, source])).toEqual([
      ['a', 'app.yaml, document 1'],
      ['b', 'app.yaml, document 3, item 1'],
    ]);
  });

  it('reads scalars as kubectl does', () => {
    const [object] = parseManifests([
      { name: 'a', text: `${configMap('a')}mode: 0644\nsudo: yes\ntime: 12:30:45\nday: 2026-01-02\n` },
    ]);
    expect(object?.manifest).toMatchObject({ mode: 420, sudo: true, time: '12:30:45', day: '2026-01-02' });
  });

  it('names file and document of everything that is wrong at once', () => {
    expect(() =>
      parseManifests([
        { name: 'a.yaml', text: `${configMap('a')}---\nkind: ConfigMap\n---\na: [` },
        { name: 'b.yaml', text: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, labels: {version: 1.0}}\n` },
      ]),
    ).toThrow(
      /a\.yaml, document 2: is no Kubernetes object \(apiVersion: .*metadata: .*\n- a\.yaml, document 3: is no YAML.*\n- b\.yaml: .*metadata\.labels\.version: .*expected string, received number/,
    );
  });
});

describe('resolveObjects', () => {
  it('gives the namespace to what belongs to one and names none', async () => {
    const objects = await resolve(
      `${configMap('a')}---\n${configMap('a', ', namespace: other')}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: other, namespace: x}\n`,
    );
    expect(objects.map(({ reference: { namespace, name } }) => `${namespace}/${name}`)).toEqual([
      'shop/a',
      'other/a',
      '/other',
    ]);
    expect(objects.map(({ manifest }) => manifest.metadata.namespace)).toEqual(['shop', 'other', undefined]);
  });

  it('knows a kind that the same manifests define', async () => {
    const [, custom] = await resolve(
      `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tills.acme.example}
spec: {group: acme.example, scope: Namespaced, names: {kind: Till, plural: tills}, versions: [{name: v1}]}
---
apiVersion: acme.example/v1
kind: Till
metadata: {name: one}
`,
    );
    expect(custom?.reference).toEqual({
      type: { apiVersion: 'acme.example/v1', kind: 'Till', plural: 'tills' },
      namespace: 'shop',
      name: 'one',
    });
  });

  it('refuses kinds that nobody knows and two different objects of one name', async () => {
    const till = 'apiVersion: acme.example/v1\nkind: Till\nmetadata: {name: one}\n';
    await expect(resolve(`${till}---\n${configMap('a')}---\n${configMap('a')}data: {x: y}\n`)).rejects.toThrow(
      /document 1: the cluster does not know Till of acme\.example\/v1.*\n- ConfigMap shop\/a stands twice: in app\.yaml, document 2 and in app\.yaml, document 3/,
    );
  });
});

describe('the order', () => {
  const kinds = [
    'Namespace',
    'CustomResourceDefinition',
    'ConfigMap',
    'Service',
    'Deployment',
    'Till',
    'ValidatingWebhookConfiguration',
  ];
  const of = (kind: string) => ({
    reference: { type: { apiVersion: 'v1', kind, plural: '' }, namespace: '', name: '' },
  });

  it('puts what others need first, whatever it was', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(kinds, { minLength: kinds.length }), (shuffled) => {
        const objects = shuffled.map(of);
        expect(inApplyOrder(objects).map(({ reference }) => reference.type.kind)).toEqual(kinds);
        expect(inDeleteOrder(objects)).toEqual(inApplyOrder(objects).toReversed());
      }),
    );
  });
});
