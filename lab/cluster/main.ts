import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import parseDuration from 'parse-duration';
import * as z from 'zod';
import { buildChaos } from '../chaos/index.ts';
import { buildObservability } from '../observability/index.ts';
import { LabError, say, step } from '../programs/commands.ts';
import { type ComponentName, components, isComponent, startComponents } from './components.ts';
import { down } from './down.ts';
import { kubeconfigPath } from './layout.ts';
import { load, summarize } from './load.ts';
import { lock } from './lock.ts';
import { logPath, stop, tail } from './processes.ts';
import { buildPrometheus } from './programs.ts';
import { presence, status } from './status.ts';
import { up } from './up.ts';

/** What can be built by itself. */
const builds = new Map([
  ['chaos', buildChaos],
  ['observability', buildObservability],
  ['prometheus', buildPrometheus],
]);

const usage = `npm run lab -- COMMAND

  up [--only apiserver]      build what is missing and start the lab, or etcd and the API server alone
  down                       end it and remove all but logs and what was built
  status                     what runs, how the pods are, where everything is
  logs [COMPONENT]           the end of one component's log, or of all
  stop | start COMPONENT     end one component and start it again, for tests of failures
  load [--host NAME] [--rate 50] [--for 10s] [--log FILE]
                             send requests through the gateway and count the answers by version and status
  kubeconfig                 print the administrator's kubeconfig
  build chaos                build Chaos Mesh, which tests install on the lab, if it is missing
  build observability        build the servers of lab/observability that are missing; they need no cluster
  build prometheus           build Prometheus alone, if it is missing

components: ${Object.keys(components).join(' ')}`;

const options = z.object({
  only: z.literal('apiserver', { error: '--only takes "apiserver".' }).optional(),
  host: z.string(),
  rate: z.coerce.number({ error: '--rate is a number.' }).positive().max(1000, '--rate is at most 1000 a second.'),
  for: z
    .string()
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .pipe(z.number({ error: '--for is a duration: 30s, 5m.' }).positive().max(3_600_000, '--for is at most 1h.')),
  log: z.string().optional(),
});

/** Reads the command line; errors name the wrong option. */
function readCommandLine() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      host: { type: 'string', default: 'checkout.istio.example' },
      rate: { type: 'string', default: '50' },
      for: { type: 'string', default: '10s' },
      log: { type: 'string' },
    },
  });
  const parsed = options.safeParse(values);
  if (!parsed.success) throw new LabError(parsed.error.issues.map(({ message }) => message).join('\n'));
  return { command: positionals[0], component: positionals[1], values: parsed.data };
}

function componentNamed(name = ''): ComponentName {
  if (isComponent(name)) return name;
  throw new LabError(`Name a component: ${Object.keys(components).join(', ')}.`);
}

async function main(signal: AbortSignal): Promise<void> {
  const { command, component, values } = readCommandLine();
  switch (command) {
    case 'up': {
      const wanted = values.only ?? 'cluster';
      await using _ = await lock(signal);
      const present = await presence();
      if (present === 'cluster' || present === wanted) return say(`is up already (${present})`);
      if (present !== 'down') say(`what is there (${present}) goes first`);
      await step('up', () => up(wanted, signal));
      return print(await status());
    }
    case 'down': {
      await using _ = await lock(signal);
      return step('down', down);
    }
    case 'status':
      return print(await status());
    case 'logs':
      for (const name of component === undefined ? Object.keys(components) : [componentNamed(component)]) {
        print([`== ${logPath(name)}`, await tail(name, component === undefined ? 5 : 100)]);
      }
      return;
    case 'stop':
      return stop(componentNamed(component), signal);
    case 'start':
      return startComponents([componentNamed(component)], signal);
    case 'load': {
      const sent = await load({ host: values.host, rate: values.rate, duration: values.for, signal });
      if (values.log) await writeFile(values.log, sent.map((one) => `${JSON.stringify(one)}\n`).join(''));
      return print(summarize(sent));
    }
    case 'build': {
      const build = component === undefined ? undefined : builds.get(component);
      if (!build) throw new LabError(`Name what is built: ${[...builds.keys()].join(' or ')}.`);
      await using _ = await lock(signal);
      return step(`built ${component}`, () => build(signal));
    }
    case 'kubeconfig':
      if ((await presence()) === 'down') throw new LabError('The lab is not up: npm run lab -- up');
      return print([`# ${kubeconfigPath}`, await readFile(kubeconfigPath, 'utf8')]);
    default:
      print([usage]);
      if (command !== undefined && command !== 'help') throw new LabError(`There is no command "${command}".`);
  }
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

const interrupted = new AbortController();
// If the reader of the output ends, as in `up | head`, the lab must still be cleaned up.
process.stdout.on('error', (error) => interrupted.abort(error));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new LabError(`ended by ${signal}`)));
}
try {
  if (process.getuid?.() !== 0) throw new LabError('The lab makes network namespaces and cgroups: run it as root.');
  await main(interrupted.signal);
} catch (error) {
  process.stderr.write(`sluice-lab: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// Does not wait for the sockets of a keep-alive pool.
process.exit();
