import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsInput } from '../../../../src/actions/drill/faults-input.ts';
import { faultKinds } from '../../../../src/actions/drill/kinds/fault-kinds.ts';
import { readShortForm } from '../../../../src/actions/drill/kinds/short-form.ts';
import { apiClient } from '../../../support/api-client.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const world = {
  client: apiClient('http://127.0.0.1:1'),
  clock: createVirtualClock(),
  drill: 'checkout',
  run: 'run',
  random: () => 0,
};
const settings = {
  namespace: 'shop',
  namespaces: ['shop'],
  maxDuration: 300_000,
  stressImage: 'busybox:1.37',
  gitops: 'refuse',
  ignoreBudgets: false,
} as const;

const read = (text: string) => faultsInput.schema.parse(text);
function problemOf(text: string): string {
  const { error } = faultsInput.schema.safeParse(text);
  return error?.issues.map(({ message }) => message).join('; ') ?? '';
}
const built = (text: string) => read(text).map(({ form, kind }) => kind.build(form, settings, world));

describe('a fault in its short form', () => {
  it.each(faultKinds.map((kind) => [kind.example, kind] as const))('%s', (example, kind) => {
    const [fault, ...others] = built(example);
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ kind: kind.kind, text: example });
    expect(fault?.permissions).not.toEqual([]);
    if (example.includes(' for ')) expect(fault?.lasts).toBeGreaterThan(0);
  });

  it('is what people copy from manifests', () => {
    const [{ form } = {}] = read('network-delay 500ms correlation 25 on app=user-service one');
    expect(form).toMatchObject({
      words: ['500ms'],
      on: { selector: 'app=user-service' },
      mode: { kind: 'one' },
      lasts: undefined,
    });
    expect(form?.settings).toEqual(new Map([['correlation', '25']]));
    expect(built('network-delay 500ms correlation 25 on app=user-service one')).toMatchObject([{ lasts: 300_000 }]);
  });

  it.each([
    ['one', { kind: 'one' }],
    ['all', { kind: 'all' }],
    ['3', { kind: 'count', count: 3 }],
    ['50%', { kind: 'share', percent: 50 }],
    ['100%', { kind: 'share', percent: 100 }],
  ])('hits %s of the pods', (text, mode) => {
    expect(read(`pod-kill on app=checkout ${text}`)).toMatchObject([{ form: { mode } }]);
  });

  it('takes selectors with blanks, workloads, Services and namespaces', () => {
    const text = 'pod-kill grace 0 on "app in (a, b),tier notin (db)" in shop-jobs 2';
    expect(read(text)).toMatchObject([
      { form: { text, on: { selector: 'app in (a, b),tier notin (db)' }, namespace: 'shop-jobs' } },
    ]);
    expect(read("pod-kill on 'app in (a, b)'")).toMatchObject([{ form: { text: 'pod-kill on "app in (a, b)"' } }]);
    expect(read('pod-kill   on\tstatefulset/db')).toMatchObject([
      { form: { text: 'pod-kill on statefulset/db', on: { kind: 'statefulset', name: 'db' } } },
    ]);
  });

  it('is refused in one sentence that names the line, what is wrong, and an example', () => {
    const wrongs: readonly (readonly [string, string])[] = [
      ['pod-kill', 'does not say on which pods'],
      ['pod-kill on', 'ends with "on"'],
      ['pod-kill on app=a on app=b', 'has "on" twice'],
      ['pod-kill on app=a one all', 'has "one, all, N or N%" twice'],
      ['pod-kill on app=a in A_B', 'is in "A_B", which can\'t be the name of a namespace'],
      ['pod-kill on app=a in a in b', 'has "in" twice'],
      ['pod-kill on app=a for 5m', 'is over at once, and has no time: leave out "for"'],
      ['pod-kill on app=a for 5m for 6m', 'has "for" twice'],
      ['pod-kill on app=a for 0s', 'lasts for "0s", which is no duration'],
      ['pod-kill on app=a for soon', 'lasts for "soon", which is no duration'],
      ['pod-kill on app=a hard', 'has "hard" after "on", and that is not one, all, N, or N% up to 100%'],
      ['pod-kill on app=a 101%', 'has "101%" after "on"'],
      ['pod-kill on app=a 0', 'has "0" after "on"'],
      ['pod-kill on app in (a, b) one', 'is in "(a,", which can\'t be the name of a namespace (a selector with blanks'],
      ['pod-kill one on app=a', 'has "one", which it does not know'],
      ['pod-kill grace on app=a', 'does not say on which pods'],
      ['pod-kill grace soon on app=a', 'needs a whole number after "grace"'],
      ['pod-kill grace 1 grace 2 on app=a', 'has "grace" twice'],
      ['pod-kill on ingress/a', 'is on "ingress/a", which is neither a label selector'],
      ['pod-kill on node/a', 'is on a node, which has no pods'],
      ['node-drain on app=a 2', 'drains more than one node'],
      ['node-drain hard on app=a', 'has "hard", which it does not know'],
      ['scale-to-zero on app=a', 'needs a workload: on deployment/NAME'],
      ['scale-to-zero to none on deployment/a', 'needs a whole number after "to"'],
      ['cpu-stress many on app=a', 'has "many", which is no number of workers'],
      ['cpu-stress 0 on app=a', 'has "0", which is no number of workers'],
      ['cpu-stress 1 2 on app=a', 'has "2", which it does not know'],
      ['istio-abort on virtualservice/a', 'needs an HTTP status such as 503'],
      ['istio-abort 503 120% on virtualservice/a', 'has "120%", which is no share of the requests such as 20%'],
      ['istio-abort 503', 'needs a route: on virtualservice/NAME'],
      ['istio-abort 503 on httproute/a', 'needs a VirtualService, as the Gateway API injects no faults'],
      ['istio-abort 503 on service/a', 'is on a service, and needs on virtualservice/NAME'],
      ['istio-abort 503 on virtualservice/a one', 'hits requests and no pods: write the share before "on"'],
      ['istio-abort 503 host a rule b on virtualservice/a', 'has both "host" and "rule": leave one out'],
      ['istio-abort 503 header a on virtualservice/a', 'needs NAME=VALUE after "header"'],
      ['istio-delay on virtualservice/a', 'needs the delay as its first word'],
      ['network-delay on app=a', 'is wrong: LATENCY is missing'],
      ['network-delay 500ms correlation often on app=a', 'is wrong: delay.correlation'],
    ];
    for (const [line, problem] of wrongs) {
      const kind = faultKinds.find(({ kind: name }) => line.split(' ')[0] === name);
      const told = problemOf(line);
      expect(told).toContain(`"${line}" ${problem}`);
      expect(told).toMatch(new RegExp(`; for example: ${kind?.kind} .*\\.$`));
      expect(told).not.toContain('\n');
    }
    expect(problemOf('pod-kil on app=a')).toBe('"pod-kil" is no fault: "pod-kill" is near.');
    expect(problemOf('meteor on app=a')).toMatch(/^"meteor" is no fault: known are pod-kill, .* or dns-random\.$/);
    expect(problemOf('pod-kill on "app=a')).toBe('"pod-kill on "app=a" has a quotation mark without its other one.');
    expect(problemOf(`pod-kill on ${'!'.repeat(900)}\u001b[31m`)).toMatch(/^[\x20-\x7e…]{1,800}$/);
    expect(problemOf(`pod-kill on ${'!'.repeat(5_000)}`)).toMatch(
      /^"pod-kill on !+…" has more than 1,000 characters\.$/,
    );
  });

  it('can be shown and read again', () => {
    const token = fc.oneof(
      fc.constantFrom('on', 'in', 'for', 'one', '50%', '60s', 'app=a', 'a in (b, c)', 'deployment/a', 'shop', 'grace'),
      fc.string({ maxLength: 6 }).filter((text) => !(text.includes('"') && text.includes("'"))),
    );
    const form = { settings: ['grace'], example: 'x on app=a' };
    const attempt = (line: string) => {
      try {
        return readShortForm(line, () => form);
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
        const written = ['x', ...tokens].map((text) => (text.includes('"') ? `'${text}'` : `"${text}"`)).join(' ');
        const once = attempt(written);
        if (once) expect(attempt(once.text)).toEqual(once);
      }),
    );
  });
});

describe('the faults of a drill', () => {
  const line = 'pod-kill on app=a';

  it('are read in their order, as a list of YAML as well, without comments', () => {
    const read2 = read(`# first\n- ${line}\n\n  pause 30s\npause 1m\n${line} all`);
    expect(read2.map(({ form, pause }) => [form.text, pause])).toEqual([
      [line, 0],
      [`${line} all`, 90_000],
    ]);
  });

  it.each([
    ['', 'names no fault.'],
    ['# nothing', 'names no fault.'],
    [`${line}\npause`, '"pause" has no duration; for example: pause 30s.'],
    [`${line}\npause soon\n${line}`, '"pause soon" has no duration; for example: pause 30s.'],
    [`${line}\npause 0s\n${line}`, '"pause 0s" has no duration; for example: pause 30s.'],
    [`${line}\npause 30s`, 'ends with a pause of 30s, after which nothing comes.'],
    [`${line}\n`.repeat(51), 'has more than 50 faults.'],
  ])('of the case %#: %.20s… are refused', (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it('are 50 at most', () => {
    expect(read(`${line}\n`.repeat(50))).toHaveLength(50);
  });
});
