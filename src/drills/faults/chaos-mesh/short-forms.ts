import { SluiceError } from '../../../core/errors.ts';
import { excerpt } from '../../../core/text.ts';
import type { ChaosKind, ChaosSpec } from './kinds/chaos-kind.ts';
import { chaosKind } from './kinds/index.ts';

/** A short form as it was written, without its pods and its duration. */
export interface WrittenForm {
  /** `network-delay` */
  readonly kind: string;
  readonly arguments: readonly string[];
  /** `jitter 10ms` */
  readonly values: Readonly<Record<string, string>>;
}

/** A short form that can be injected. */
export interface ReadForm {
  readonly chaos: ChaosKind;
  readonly spec: ChaosSpec;
  /** Label selector of the other side of a network fault, in the same namespace. */
  readonly opposite: string | undefined;
}

interface Form {
  readonly of: string;
  /** Names of its arguments, in their order. One with `?` may be left out. */
  readonly arguments: readonly string[];
  readonly keys: readonly string[];
  readonly example: string;
  /** The fields of `spec`. */
  readonly fields: (given: Given) => Readonly<Record<string, unknown>>;
}

/** Arguments and values by name; undefined for one that was not given. */
type Given = (name: string) => string | undefined;

const network = ['direction', 'with', 'external', 'device'];
const container = ['container'];
const http = ['port', 'path', 'method', 'side'];
const io = ['volume', 'path', 'percent', 'methods', ...container];

/** Network faults with a field of the action's name, whose main value has this name. */
function netem(action: string, main: string, keys: readonly string[], example: string): Form {
  return {
    of: 'NetworkChaos',
    arguments: [main.toUpperCase()],
    keys: [...keys, ...network],
    example,
    fields: (given) => ({
      action,
      [action]: withoutUnset({
        [main]: bare(given(main.toUpperCase()), main),
        ...Object.fromEntries(keys.map((key) => [key, bare(given(key), key)])),
      }),
      ...sides(given),
    }),
  };
}

/** `10%` of a share: Chaos Mesh takes the number alone. */
function bare(text: string | undefined, name: string): string | undefined {
  return name === 'latency' || name === 'jitter' || !text?.endsWith('%') ? text : text.slice(0, -1);
}

function sides(given: Given) {
  return { direction: given('direction'), externalTargets: list(given('external')), device: given('device') };
}

function httpForm(argument: string[], example: string, side: string, action: (given: Given) => object): Form {
  return {
    of: 'HTTPChaos',
    arguments: argument,
    keys: http,
    example,
    fields: (given) => ({
      target: capital(given('side') ?? side),
      port: whole(given('port')),
      path: given('path'),
      method: given('method'),
      ...action(given),
    }),
  };
}

function ioForm(action: string, argument: string, example: string, field: (text: string | undefined) => object): Form {
  return {
    of: 'IOChaos',
    arguments: [argument],
    keys: io,
    example,
    fields: (given) => ({
      action,
      volumePath: given('volume'),
      path: given('path'),
      percent: whole(bare(given('percent'), 'percent')),
      methods: list(given('methods')),
      containerNames: list(given('container')),
      ...field(given(argument)),
    }),
  };
}

const BANDWIDTH = { limit: 20_971_520, buffer: 10_000 };

/** All short forms of Chaos Mesh. */
export const chaosForms: Readonly<Record<string, Form>> = {
  'chaos-pod-kill': {
    of: 'PodChaos',
    arguments: [],
    keys: ['grace'],
    example: 'chaos-pod-kill grace 30 on app=checkout one',
    fields: (given) => ({ action: 'pod-kill', gracePeriod: whole(given('grace')) }),
  },
  'pod-failure': {
    of: 'PodChaos',
    arguments: [],
    keys: [],
    example: 'pod-failure on app=checkout one for 60s',
    fields: () => ({ action: 'pod-failure' }),
  },
  'container-kill': {
    of: 'PodChaos',
    arguments: ['CONTAINERS'],
    keys: [],
    example: 'container-kill app on app=checkout one',
    fields: (given) => ({ action: 'container-kill', containerNames: list(given('CONTAINERS')) }),
  },
  'network-delay': netem(
    'delay',
    'latency',
    ['jitter', 'correlation'],
    'network-delay 500ms jitter 10ms correlation 25 on app=checkout one for 60s',
  ),
  'network-loss': netem('loss', 'loss', ['correlation'], 'network-loss 10% on app=checkout one for 60s'),
  'network-duplicate': netem('duplicate', 'duplicate', ['correlation'], 'network-duplicate 10% on app=checkout one'),
  'network-corrupt': netem('corrupt', 'corrupt', ['correlation'], 'network-corrupt 5% on app=checkout one for 60s'),
  'network-partition': {
    of: 'NetworkChaos',
    arguments: ['DIRECTION?'],
    keys: ['with', 'external', 'device'],
    example: 'network-partition both with app=db on app=checkout one for 60s',
    fields: (given) => ({ action: 'partition', ...sides(given), direction: given('DIRECTION?') ?? 'both' }),
  },
  'network-bandwidth': {
    of: 'NetworkChaos',
    arguments: ['RATE'],
    keys: ['limit', 'buffer', ...network],
    example: 'network-bandwidth 1mbps on app=checkout one for 60s',
    fields: (given) => ({
      action: 'bandwidth',
      bandwidth: {
        rate: given('RATE'),
        limit: whole(given('limit')) ?? BANDWIDTH.limit,
        buffer: whole(given('buffer')) ?? BANDWIDTH.buffer,
      },
      ...sides(given),
    }),
  },
  'http-abort': httpForm([], 'http-abort port 8080 path /api on app=checkout one for 60s', 'request', () => ({
    abort: true,
  })),
  'http-delay': httpForm(['DELAY'], 'http-delay 500ms port 8080 on app=checkout one for 60s', 'request', (given) => ({
    delay: given('DELAY'),
  })),
  'http-status': httpForm(
    ['STATUS'],
    'http-status 503 port 8080 path /api on app=checkout one for 60s',
    'response',
    (given) => ({ replace: { code: whole(given('STATUS')) } }),
  ),
  'stress-cpu': {
    of: 'StressChaos',
    arguments: ['WORKERS'],
    keys: ['load', ...container],
    example: 'stress-cpu 2 load 80% on app=checkout one for 60s',
    fields: (given) => ({
      stressors: { cpu: { workers: whole(given('WORKERS')), load: whole(bare(given('load'), 'load')) } },
      containerNames: list(given('container')),
    }),
  },
  'stress-memory': {
    of: 'StressChaos',
    arguments: ['SIZE'],
    keys: ['workers', ...container],
    example: 'stress-memory 256MB on app=checkout one for 60s',
    fields: (given) => ({
      stressors: { memory: { size: given('SIZE'), workers: whole(given('workers')) ?? 1 } },
      containerNames: list(given('container')),
    }),
  },
  'io-latency': ioForm('latency', 'DELAY', 'io-latency 100ms volume /data on app=db one for 60s', (delay) => ({
    delay,
  })),
  'io-errno': ioForm('fault', 'ERRNO', 'io-errno 5 volume /data percent 50% on app=db one for 60s', (errno) => ({
    errno: whole(errno),
  })),
  'time-offset': {
    of: 'TimeChaos',
    arguments: ['OFFSET'],
    keys: ['clocks', ...container],
    example: 'time-offset -1h on app=checkout one for 60s',
    fields: (given) => ({
      timeOffset: given('OFFSET'),
      clockIds: list(given('clocks')),
      containerNames: list(given('container')),
    }),
  },
  'dns-error': dns('error'),
  'dns-random': dns('random'),
};

function dns(action: string): Form {
  return {
    of: 'DNSChaos',
    arguments: [],
    keys: ['patterns', ...container],
    example: `dns-${action} patterns db.shop.svc.cluster.local on app=checkout one for 60s`,
    fields: (given) => ({ action, patterns: list(given('patterns')), containerNames: list(given('container')) }),
  };
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').map((part) => part.trim());
}

/** A text that is no whole number stays, so that the error names it. */
function whole(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : text;
}

function capital(text: string): string {
  const lower = text.toLowerCase();
  return lower === 'request' || lower === 'response' ? `${lower[0]?.toUpperCase()}${lower.slice(1)}` : text;
}

function withoutUnset(object: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/**
 * Reads a short form.
 *
 * @throws SluiceError `invalid-input` that names what is allowed
 */
export function readShortForm(written: WrittenForm): ReadForm {
  const form = chaosForms[written.kind];
  const chaos = form && chaosKind(form.of);
  if (!form || !chaos) throw wrongForm(written, ['no fault of Chaos Mesh has this name'], Object.keys(chaosForms));
  const problems = unknownParts(form, written);
  if (problems.length > 0) throw wrongForm(written, problems, form);
  const given: Given = (name) => {
    const at = form.arguments.indexOf(name);
    return at < 0 ? written.values[name] : written.arguments[at];
  };
  const opposite = written.values.with;
  // The pods are chosen by the drill, so these stand for them.
  const pods = { mode: 'all', selector: { namespaces: ['chosen'] } };
  const spec = { ...withoutUnset(form.fields(given)), ...pods, ...(opposite !== undefined && { target: pods }) };
  const read = chaos.read(spec, 'spec');
  if (!read.spec) throw wrongForm(written, read.problems, form);
  return { chaos, spec: read.spec, opposite };
}

function unknownParts(form: Form, { arguments: given, values }: WrittenForm): string[] {
  const needed = form.arguments.filter((name) => !name.endsWith('?'));
  const missing = needed.slice(given.length).map((name) => `${name} is missing`);
  const more = given.slice(form.arguments.length).map((text) => `nobody knows what "${excerpt(text, 60)}" is for`);
  const unknown = Object.keys(values).filter((key) => !form.keys.includes(key));
  return [...missing, ...more, ...unknown.map((key) => `it has no setting "${excerpt(key, 60)}"`)];
}

function wrongForm(written: WrittenForm, problems: readonly string[], form: Form | readonly string[]): SluiceError {
  const said = problems.map((problem) => problem.replace(/^spec\.(?:stressors\.)?/, ''));
  return new SluiceError('invalid-input', {
    about: `fault "${excerpt(written.kind, 60)}"`,
    problem: `${said.join('; ')}.`,
    next:
      'example' in form
        ? `Write it as ${usageOf(form, written.kind)}: ${form.example}.`
        : `Use one of ${form.join(', ')}.`,
  });
}

function usageOf(form: Form, kind: string): string {
  const optional = form.arguments.map((name) => (name.endsWith('?') ? `[${name.slice(0, -1)}]` : name));
  return [kind, ...optional, ...form.keys.map((key) => `[${key} …]`)].join(' ');
}
