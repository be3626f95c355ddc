import { describe, expect, it } from 'vitest';
import { secretValues } from '../../../src/actions/kubectl-deploy/manifests.ts';
import { type DeployEvent, type Stuck, waitLines } from '../../../src/apply/events.ts';
import { parseManifests, resolveObjects, type WrittenObject } from '../../../src/apply/objects.ts';
import type { Json } from '../../../src/core/json.ts';
import { digestOf } from '../../../src/kubectl/digest.ts';
import { replaceImages } from '../../../src/kubectl/images.ts';
import {
  emptyDeployReport,
  hasChanged,
  parseDeployReport,
  renderDeploySummary,
  withDeployEvent,
} from '../../../src/report/deploy.ts';

const at = Date.UTC(2026, 0, 1);

const written = (text: string): WrittenObject[] => parseManifests([{ name: 'app.yaml', text }]);

describe('images', () => {
  const cronJob = written(`apiVersion: batch/v1
kind: CronJob
metadata: {name: a}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers: [{name: i, image: "registry:5000/acme/shop:1"}]
          containers: [{name: a, image: "registry:5000/acme/shop@sha256:00"}, {name: b, image: proxy}]
`);

  it('are replaced by their names wherever containers stand', () => {
    const [replaced] = replaceImages(cronJob, [{ name: 'registry:5000/acme/shop', image: 'shop:2' }]);
    const images = [...JSON.stringify(replaced?.manifest).matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image);
    expect(images).toEqual(['shop:2', 'shop:2', 'proxy']);
  });

  it('must be found', () => {
    expect(() => replaceImages(cronJob, [{ name: 'prox', image: 'x' }])).toThrow(
      'no container has an image of the name prox (proxy is near). The manifests have registry:5000/acme/shop, proxy.',
    );
  });
});

describe('the digest of manifests', () => {
  const type = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
  const client = { kindsIn: async () => [{ type, namespaced: true }] };
  const digest = async (text: string) =>
    digestOf(await resolveObjects(client, written(text), 'shop', new AbortController().signal));
  const a = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "1", y: "2"}\n';
  const b = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n';

  it('is that of what they say, however it is written', async () => {
    const other =
      'kind: ConfigMap\napiVersion: v1\ndata:\n  y: "2"\n  x: "1"\nmetadata:\n  namespace: shop\n  name: a\n';
    expect(await digest(`${a}---\n${b}`)).toBe(await digest(`${b}---\n${other}`));
    expect(await digest(a)).not.toBe(await digest(a.replace('"2"', '"3"')));
  });
});

it('secrets are the long values of Secrets, plain and encoded', () => {
  const secret =
    'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: Y29ycmVjdC1ob3JzZQ==}\nstringData: {b: battery-staple, c: "true"}\n';
  expect(secretValues(written(secret))).toEqual(['Y29ycmVjdC1ob3JzZQ==', 'correct-horse', 'battery-staple']);
});

describe('what is told', () => {
  const stuck: Stuck = {
    object: 'Deployment shop/web',
    text: 'pod web-1 container app crashed 3 times (exit code 1): CrashLoopBackOff',
    next: 'Correct what the last lines say, and run again.',
    events: [],
    pods: [
      {
        pod: 'web-1',
        text: 'container app crashed 3 times (exit code 1)',
        events: ['BackOff (4 times): Back-off restarting failed container'],
        lines: ['panic: no database'],
      },
    ],
  };
  const story: readonly DeployEvent[] = [
    { type: 'started', at, name: 'checkout', namespace: 'shop', by: 'alice', digest: 'sha256:1' },
    {
      type: 'planned',
      at,
      objects: [
        {
          object: 'Deployment shop/web',
          action: 'update',
          write: { object: 'Deployment shop/web', action: 'update', before: { a: 1 }, after: { a: 2 } },
        },
        { object: 'ConfigMap shop/a', action: 'unchanged', write: undefined },
      ],
    },
    { type: 'applied', at, object: 'Deployment shop/web', action: 'update' },
    { type: 'stuck', at: at + 9_000, objects: [stuck] },
    { type: 'undoing', at: at + 9_000, reason: 'Deployment shop/web: does not get ready.' },
    { type: 'restored', at: at + 9_500, object: 'Deployment shop/web', how: 'restored' },
    {
      type: 'ended',
      at: at + 12_000,
      verdict: 'undone',
      reason: 'Does not get ready. All is as it was.',
      next: 'Correct it.',
    },
  ];
  const report = story.reduce(withDeployEvent, emptyDeployReport);

  it('has pod, reason, events and last lines of what is stuck in the log', () => {
    expect(waitLines({ type: 'stuck', at, objects: [stuck] }).map(({ text }) => text)).toEqual([
      'Deployment shop/web: pod web-1 container app crashed 3 times (exit code 1): CrashLoopBackOff',
      '  pod web-1 container app crashed 3 times (exit code 1)',
      '    event: BackOff (4 times): Back-off restarting failed container',
      '    | panic: no database',
      '  What to do: Correct what the last lines say, and run again.',
    ]);
  });

  it('has them in the summary below the verdict and what to do', () => {
    const summary = renderDeploySummary(report);
    const order = ['## ⏪ Undone: checkout', 'What to do next', 'panic: no database', '### Objects', '-a: 1', 'in 12'];
    const places = order.map((text) => summary.indexOf(text));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('does not count as a change what was undone', () => {
    expect(hasChanged(report)).toBe(false);
    expect(hasChanged(story.slice(0, 4).reduce(withDeployEvent, emptyDeployReport))).toBe(true);
  });

  it('keeps the list of objects and the small diffs where one of them is large', () => {
    const text = `${'x'.repeat(80)}\n`.repeat(12_000);
    const created = (object: string, after: Json) => ({
      object,
      action: 'create' as const,
      write: { object, action: 'create' as const, before: undefined, after },
    });
    const objects = [
      created('ConfigMap shop/dashboard', { data: { text } }),
      created('Deployment shop/web', { image: 'shop:2' }),
    ];
    const large: DeployEvent = { type: 'planned', at, objects };
    const summary = renderDeploySummary([...story.slice(0, 1), large].reduce(withDeployEvent, emptyDeployReport));
    expect(summary).toContain('**2 of 2 objects would change; nothing was changed.**');
    expect(summary).toContain('| `ConfigMap shop/dashboard` |');
    expect(summary).toContain('+image: shop:2');
    expect(summary).toContain('more lines are in the JSON report');
  });

  it('survives the file that post reads it from', () => {
    expect(parseDeployReport(JSON.stringify(report))).toEqual(report);
  });
});
