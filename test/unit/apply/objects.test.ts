import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests, resolveObjects } from '../../../src/apply/objects.ts';
import { inApplyOrder, inDeleteOrder } from '../../../src/apply/order.ts';
import type { ServedKind } from '../../../src/cluster/schema.ts';

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
  it('says of an object whose name the API server would make that it needs one, as kubectl apply does', () => {
    const of = (metadata: string) => `apiVersion: batch/v1\nkind: Job\nmetadata: ${metadata}\n`;
    expect(() => parseManifests([{ name: 'job.yaml', text: of('{generateName: run-, name: ""}') }])).toThrow(
      /job\.yaml: has "generateName" and no "name"\. .* give it a name/,
    );
    // With both of them, kubectl applies it by its name.
    const [both] = parseManifests([{ name: 'job.yaml', text: of('{generateName: run-, name: run-1}') }]);
    expect(both?.manifest.metadata).toMatchObject({ generateName: 'run-', name: 'run-1' });
  });

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

/** What kubectl 1.35 and Helm 4 take for objects of a file, each as `NAME: what it holds`. */
describe('what kubectl and Helm read, is read the same', () => {
  const header = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n';
  const read = (text: string) => parseManifests([{ name: 'app.yaml', text }]).map(({ manifest }) => manifest);

  it.each([
    ['a quoted text that is not indented', `${header}data:\n  note: 'one\n  two'\n`, { data: { note: 'one two' } }],
    ['a double-quoted one', `${header}data:\n  note: "one\n\n two\\\n  three"\n`, { data: { note: 'one\ntwothree' } }],
    [
      'lines of a quoted text at the margin',
      `${header}data:\n    note: "{\n\\"a\\": 1\n}"\n`,
      { data: { note: '{ "a": 1 }' } },
    ],
    [
      'a bracket at the column of its key',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, labels: {\n  a: b\n}}\n',
      { metadata: { labels: { a: 'b' } } },
    ],
    ['a sequence whose bracket is not indented', `${header}finalizers: [\n"a",\n"b"\n]\n`, { finalizers: ['a', 'b'] }],
    ['a key that stands twice: the last one counts', `${header}data:\n  a: "1"\n  a: "2"\n`, { data: { a: '2' } }],
    ['a tab after a key', `${header}data:\n  a:\t"1"\t# one\n`, { data: { a: '1' } }],
    [
      'line ends and the mark of Windows',
      `\uFEFF${header}data: {a: "1"}\n`.replaceAll('\n', '\r\n'),
      { data: { a: '1' } },
    ],
    ['tags of others', `${header}data: {a: !reference b, c: !!binary aGFsbG8=}\n`, { data: { a: 'b', c: 'hallo' } }],
    ['a merged mapping', `${header}x: &x {a: "1", b: "1"}\ndata:\n  <<: *x\n  b: "2"\n`, { data: { a: '1', b: '2' } }],
    [
      'a namespace, labels and an annotation without a value',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n  namespace:\n  labels:\n  annotations:\n    a:\n',
      { metadata: { namespace: undefined, annotations: { a: '' } } },
    ],
    [
      'scalars of YAML 1.1, without times',
      `${header}s: [0644, 0o644, 0x1F, 0b11, 1_000, 08, .5, 1e3, on, n, ~, 12:30:45, 2026-01-02, 1.2.3, "yes"]\n`,
      { s: [420, 420, 31, 3, 1000, 8, 0.5, 1000, true, false, null, '12:30:45', '2026-01-02', '1.2.3', 'yes'] },
    ],
    [
      'whole numbers of 64 bits',
      `${header}s: [9007199254740993, -9223372036854775808, 9223372036854775808, 12]\n`,
      { s: [9007199254740993n, -9223372036854775808n, 2 ** 63, 12] },
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toMatchObject([expected]);
  });

  it('objects of JSON that follow one another, with or without a line between', () => {
    const object = (name: string) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '}{"' } });
    const text = `${object('a')}\n${object('b')}${object('c')}\n---\n${object('d')}\n--- # the last\n{apiVersion: v1, kind: ConfigMap, metadata: {name: e}}`;
    expect(read(text).map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(read(object('big').replace('"}{\\""', '9007199254740993'))).toMatchObject([
      { data: { a: 9007199254740993n } },
    ]);
  });

  it('the items of a list that says of what kind they are, and of one without items', () => {
    const list = 'apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}, {metadata: {name: b}}]\n';
    expect(read(list)).toMatchObject([{ apiVersion: 'v1', kind: 'ConfigMap' }, { metadata: { name: 'b' } }]);
    expect(read('apiVersion: v1\nkind: List\nitems:\n')).toEqual([]);
  });

  // A pattern that tries every way to take such a line apart does not come to an end.
  it.each([
    ['a frame of comment signs', `${'#'.repeat(200)}\n# Of the shop\n${'#'.repeat(200)}\n`],
    ['signs with blanks between them', `${' #'.repeat(200)}\n`],
    ['a long line of blanks', `${' '.repeat(200)}\n\n${' '.repeat(200)}\n`],
  ])('%s before the first object', (_, head) => {
    expect(read(`${head}${configMap('a')}`)).toMatchObject([{ metadata: { name: 'a' } }]);
    expect(read(`${head}---\n${configMap('a')}`)).toMatchObject([{ metadata: { name: 'a' } }]);
  });

  it('dashes in a text that is no line between documents', () => {
    expect(read(`${header}data:\n  a: |\n    ---\n    b\n`)).toMatchObject([{ data: { a: '---\nb\n' } }]);
  });

  it('many aliases, but none that stand for more than memory holds', () => {
    const item = (name: number) => `- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c${name}, labels: *l}\n`;
    const items = Array.from({ length: 500 }, (_, index) => item(index)).join('');
    const list = `x: &l {a: b}\napiVersion: v1\nkind: List\nitems:\n${items}`;
    expect(read(list)).toHaveLength(500);
    const laughs = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]\n`);
    expect(() => read(`${header}a0: &a0 [1]\n${laughs.join('')}`)).toThrow(/app\.yaml: .*aliases stand for more/);
    expect(() => read(`${header}a: &a [*a]\n`)).toThrow(/app\.yaml: .*aliases stand for more/);
  });

  it('the template that Helm has rendered a document from is named', () => {
    const text = '---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: [}\n';
    expect(() => parseManifests([{ name: 'chart', text, isRendered: true }])).toThrow(
      /- shop\/templates\/a\.yaml: is no YAML/,
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
