/** Tests against the real thing that take too long for CI: `npm run test:real -- NAME`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

interface RealTest {
  readonly about: string;
  /** Of vitest. */
  readonly config: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

const tests: Readonly<Record<string, RealTest>> = {
  'oracle-build': {
    about: '2,000 random builds: where BuildKit makes another image, the content key is another one (Linux, root)',
    config: 'vitest.cluster.config.ts',
    file: 'test/e2e/images/build-oracle.test.ts',
    env: { SLUICE_ORACLE_CASES: '2000' },
  },
};

const [name = ''] = process.argv.slice(2);
const test = tests[name];
if (test) {
  const args = ['vitest', 'run', '--config', test.config, test.file];
  // What is set already goes before it: a smaller number of cases, another seed.
  const child = spawn('npx', args, { stdio: 'inherit', env: { ...test.env, ...process.env } });
  const [code] = await once(child, 'exit');
  process.exitCode = typeof code === 'number' ? code : 1;
} else {
  const lines = Object.entries(tests).map(([known, { about }]) => `  ${known}  ${about}`);
  console.error(`${name === '' ? 'Name a test' : `There is no test "${name}"`}:\n${lines.join('\n')}`);
  process.exitCode = 2;
}
