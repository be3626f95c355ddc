/**
 * Tests against real programs and public inputs, which are too large or too slow for CI:
 *   npm run test:real -- NAME [ARGUMENT …]
 */
import { execa } from 'execa';

interface RealTest {
  readonly about: string;
  /** The script that Node runs; the arguments of the command line are appended. */
  readonly run: readonly string[];
  /** What Node runs before. */
  readonly prepare?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.cluster.config.ts'];

/** All cases of which `npm run test:e2e` has one of each kind. */
const wide = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.wide.config.ts'];
const lab = ['lab/cluster/main.ts', 'up'];

const tests: Readonly<Record<string, RealTest>> = {
  gate: {
    about:
      '10,000 gates of each kind on simulated traffic: false failures, and how often a fault is found (the power curve)',
    run: ['test/bench/gate-power.ts'],
  },
  'drill-power': {
    about: '1,000 drills of each kind: requests that a control arm exposes to a fault, against before and after',
    run: ['test/bench/drill-power.ts'],
  },
  sources: {
    about:
      'what a gate looks at, on real servers: Alertmanager, Jaeger, OpenSearch, VictoriaLogs (Linux, root; builds them)',
    prepare: ['lab/cluster/main.ts', 'build', 'observability'],
    run: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.sources.config.ts'],
  },
  report: {
    about: 'the HTML reports of real runs in a real browser, with axe-core (Debian, root; installs Chromium)',
    prepare: ['lab/browser/install.ts'],
    run: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'e2e', 'test/e2e/report-page.test.ts'],
    env: { SLUICE_REPORT_SCENARIOS: 'errors-5pct healthy no-traffic slow crashloop metrics-down' },
  },
  'burn-rate': {
    about: '1,000 generated series: burn rates equal what the rules of Sloth say on a real Prometheus (Linux, root)',
    prepare: ['lab/cluster/main.ts', 'build', 'prometheus'],
    run: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'fast', 'test/contract/burn-rate-oracle.test.ts'],
    env: { SLUICE_ORACLE_CASES: '1000' },
  },
  stops: {
    about:
      'releases cancelled at each moment, and killed at 24 that SLUICE_STOPS_SEED repeats, on the real cluster (starts it)',
    prepare: lab,
    run: [...wide, 'test/real/cluster/stops.test.ts'],
  },
  faults: {
    about:
      'harmed connections to the API server and Prometheus, and changes of others, on the real cluster (starts it)',
    prepare: lab,
    run: [...wide, 'test/real/cluster/faults.test.ts'],
  },
  outages: {
    about:
      'parts of the real cluster are taken away during releases: API server, istiod, Prometheus, registry, gateway',
    prepare: lab,
    run: [...wide, 'test/real/cluster/outages.test.ts'],
  },
  'helm-stops': {
    about: 'upgrades of a Helm release cancelled at each moment, and machines lost in them, on the real cluster',
    prepare: lab,
    run: [...wide, 'test/real/cluster/helm-stops.test.ts'],
  },
  drills: {
    about:
      'drills on the real cluster: felt or not, by the cluster and its pods; kills (SLUICE_DRILL_KILLS, SLUICE_DRILL_SEED); times',
    prepare: lab,
    run: [...wide, 'test/real/cluster/drill-'],
  },
  'oracle-build': {
    about: '2,000 random builds: where BuildKit makes another image, the content key is another one (Linux, root)',
    run: [...vitest, 'test/e2e/images/build-oracle.test.ts'],
    env: { SLUICE_ORACLE_CASES: '2000' },
  },
  'oracle-charts': {
    about:
      'charts and manifests of folders: reading and dry runs equal those of kubectl and Helm (lab, or SLUICE_ORACLE_KUBECONFIG)',
    run: ['test/oracle/charts.ts'],
  },
};

const [name = '', ...rest] = process.argv.slice(2);
const test = tests[name];
if (test) {
  // What is set already goes before it: a smaller number of cases, another seed.
  const env = { ...test.env, ...process.env };
  const runNode = async (args: readonly string[]) => {
    const { exitCode } = await execa(process.execPath, args, { stdio: 'inherit', reject: false, env });
    return exitCode ?? 1;
  };
  const prepared = test.prepare ? await runNode(test.prepare) : 0;
  process.exitCode = prepared || (await runNode([...test.run, ...rest]));
} else {
  const lines = Object.entries(tests).map(([known, { about }]) => `  ${known}  ${about}`);
  console.error(`${name === '' ? 'Name a test' : `There is no test "${name}"`}:\n${lines.join('\n')}`);
  process.exitCode = 2;
}
