import { describe, expect, test } from 'vitest';
import {
  configReferences,
  contentOf,
  parseConfigManifests,
  renameConfig,
  sameContent,
} from '../../../src/workloads/config-copies.ts';
import { imageChanges, parseImages, withImages } from '../../../src/workloads/images.ts';
import { CHECKSUM_ANNOTATION, templateOperations } from '../../../src/workloads/promotion.ts';
import { podTemplate, workload } from '../../../src/workloads/workload.ts';

describe('the images of a release', () => {
  const digest = `sha256:${'aa'.repeat(32)}`;

  test.each([
    ['shop:2', [['', 'shop:2']]],
    [`registry.example:5000/shop:2@${digest}`, [['', `registry.example:5000/shop:2@${digest}`]]],
    [
      'app=shop:2\n\n  proxy = envoy:1 \n',
      [
        ['app', 'shop:2'],
        ['proxy', 'envoy:1'],
      ],
    ],
    ['', []],
  ])('%j', (text, expected) => {
    expect([...parseImages(text)]).toEqual(expected);
  });

  test.each([
    ['shop:2\nshop:3', 'two images without a container'],
    ['app=a\napp=b', 'names container app twice'],
    ['app=a\nshop:2', 'does not say which container gets shop:2'],
    ['two words', 'neither an image nor container=image'],
  ])('%j is refused', (text, problem) => {
    expect(() => parseImages(text)).toThrow(problem);
  });

  const template = podTemplate.parse({
    spec: {
      initContainers: [{ name: 'setup', image: 'setup:1' }],
      containers: [{ name: 'app', image: 'shop:1', ports: [1] }],
    },
  });

  test('reach the only container, or the one that is named, also one that only starts the pod', () => {
    const changes = [
      ...imageChanges(parseImages('shop:2'), template, 'it'),
      ...imageChanges(parseImages('setup=setup:2'), template, 'it'),
    ];
    expect(withImages(template, changes).spec).toEqual({
      initContainers: [{ name: 'setup', image: 'setup:2' }],
      containers: [{ name: 'app', image: 'shop:2', ports: [1] }],
    });
  });

  test('must say which container where there are several', () => {
    const two = podTemplate.parse({
      spec: {
        containers: [
          { name: 'app', image: 'a' },
          { name: 'proxy', image: 'b' },
        ],
      },
    });
    expect(() => imageChanges(parseImages('shop:2'), two, 'Deployment shop/checkout')).toThrow(
      /app=IMAGE, proxy=IMAGE/,
    );
  });
});

describe('config that a pod template uses', () => {
  const template = podTemplate.parse({
    spec: {
      containers: [
        {
          name: 'app',
          image: 'shop:1',
          envFrom: [{ configMapRef: { name: 'a' } }, { secretRef: { name: 's' } }],
          env: [
            { name: 'A', valueFrom: { configMapKeyRef: { name: 'b', key: 'a' } } },
            { name: 'S', valueFrom: { secretKeyRef: { name: 't', key: 's', optional: true } } },
            { name: 'a', value: 'a' },
          ],
        },
      ],
      initContainers: [{ name: 'a', envFrom: [{ configMapRef: { name: 'c' } }] }],
      volumes: [
        { name: 'a', configMap: { name: 'd', items: [{ key: 'a', path: 'a' }] } },
        { name: 's', secret: { secretName: 'u' } },
        {
          name: 'p',
          projected: {
            sources: [{ configMap: { name: 'e' } }, { secret: { name: 'v' } }, { serviceAccountToken: { path: 'a' } }],
          },
        },
        { name: 'e', emptyDir: {} },
      ],
      imagePullSecrets: [{ name: 'pull' }],
    },
  });

  test('is found in volumes and environments', () => {
    expect([...configReferences(template)].sort()).toEqual([
      'ConfigMap/a',
      'ConfigMap/b',
      'ConfigMap/c',
      'ConfigMap/d',
      'ConfigMap/e',
      'Secret/s',
      'Secret/t',
      'Secret/u',
      'Secret/v',
    ]);
  });

  test('is renamed there and nowhere else', () => {
    const renamed = renameConfig(template, (_, name) => `${name}-canary`);
    const back = renameConfig(renamed, (_, name) => name.replace('-canary', ''));
    expect(back).toEqual(template);
    expect(JSON.stringify(renamed).match(/-canary/g)).toHaveLength(9);
    expect(renamed.spec).toMatchObject({ imagePullSecrets: [{ name: 'pull' }], initContainers: [{ name: 'a' }] });
  });
});

describe('manifests of config', () => {
  test('are read as several documents', () => {
    const manifests = parseConfigManifests(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "1"}\n---\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {x: word}\n',
      'shop',
    );
    expect(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(['ConfigMap/a', 'Secret/s']);
  });

  test.each([
    ['kind: [', /document 1: is not YAML \(line 1/],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: a}', /kind can't be read/],
    [
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}',
      /is for namespace other, the release is in shop/,
    ],
  ])('%j is refused', (text, message) => {
    expect(() => parseConfigManifests(text, 'shop')).toThrow(message);
  });

  test('are never quoted in an error', () => {
    const text = 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: [hunter2]}';
    expect(() => parseConfigManifests(text, 'shop')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
    expect(() => parseConfigManifests(`${text}\n  : bad: yaml: hunter2`, 'shop')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  test('say the same whether a Secret is given as text or encoded', () => {
    const secret = (fields: object) =>
      contentOf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, ...fields });
    expect(sameContent(secret({ stringData: { a: 'b' } }), secret({ data: { a: btoa('b') } }))).toBe(true);
    expect(sameContent(secret({ stringData: { a: 'b' } }), secret({ stringData: { a: 'c' } }))).toBe(false);
  });
});

describe('the patch of a pod template', () => {
  const stable = (image: string, annotations?: Record<string, string>) =>
    workload.parse({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'checkout' },
      spec: {
        selector: {},
        template: {
          metadata: { labels: { app: 'a' }, ...(annotations && { annotations }) },
          spec: {
            containers: [
              { name: 'side', image: 'x' },
              { name: 'app', image },
            ],
          },
        },
      },
    });
  const images = [{ container: 'app', before: 'shop:1', after: 'shop:2' }];

  test('tests what it was made for', () => {
    expect(templateOperations(stable('shop:1'), { images }, 'after').operations).toEqual([
      { op: 'test', path: '/spec/template/spec/containers/1/name', value: 'app' },
      { op: 'test', path: '/spec/template/spec/containers/1/image', value: 'shop:1' },
      { op: 'replace', path: '/spec/template/spec/containers/1/image', value: 'shop:2' },
    ]);
  });

  test('is empty where it is done already, and there is none where somebody else has changed the image', () => {
    expect(templateOperations(stable('shop:2'), { images }, 'after')).toEqual({ operations: [], others: [] });
    expect(templateOperations(stable('shop:3'), { images }, 'after').others).toEqual(['container app']);
    expect(templateOperations(stable('shop:1'), { images }, 'before').operations).toEqual([]);
  });

  test('adds the checksum of changed config beside other annotations, and takes it away again', () => {
    const change = { images: [], checksum: { before: null, after: 'abc' } };
    expect(templateOperations(stable('shop:1', { note: 'kept' }), change, 'after').operations.at(-1)).toEqual({
      op: 'add',
      path: '/spec/template/metadata/annotations',
      value: { note: 'kept', [CHECKSUM_ANNOTATION]: 'abc' },
    });
    expect(
      templateOperations(stable('shop:1', { [CHECKSUM_ANNOTATION]: 'abc' }), change, 'before').operations.at(-1),
    ).toEqual({
      op: 'remove',
      path: '/spec/template/metadata/annotations',
    });
  });
});
