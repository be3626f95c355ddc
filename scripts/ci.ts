/**
 * Runs every check of the project, one after the other, and prints how long each took and how many passed. A failed part fails
 * the run.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join, relative } from 'node:path';
import * as z from 'zod';
import { isInstalled } from '../lab/browser/index.ts';
import { notBuilt as missingChaos } from '../lab/chaos/index.ts';
import { notBuilt as missingObservability } from '../lab/observability/index.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'sluice-ci-'));
// The programs of the project's own packages, including Node, come first.
const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);

/** How long each command took, in seconds. */
const times: { readonly command: string; readonly seconds: number }[] = [];

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): boolean {
  const named = `${basename(command)} ${args.filter((arg) => !arg.startsWith('-')).join(' ')}`;
  console.log(`\n▶ ${command} ${args.join(' ')}`);
  const begun = performance.now();
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env, PATH: path },
  });
  times.push({ command: named, seconds: (performance.now() - begun) / 1_000 });
  if (error) console.error(error.message);
  return status === 0;
}

function part(name: string, passed: boolean): Count {
  console.log(passed ? `✓ ${name}` : `✗ ${name}`);
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(z.object({ name: z.string(), startTime: z.number(), endTime: z.number() })),
});

/** Test files that take less time are not listed. */
const SLOW_FILE_SECONDS = 10;

/** A test command of the project, counted test by test. */
function tests(...command: string[]): Count {
  const file = join(scratch, `${command.join('-')}.json`.replaceAll(':', '-'));
  const reporters = ['default', 'json', './scripts/repeated-tests.ts'].map((name) => `--reporter=${name}`);
  const ended = run('npm', [...command, '--', ...reporters, `--outputFile.json=${file}`]);
  try {
    const report = vitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
    for (const { name, startTime, endTime } of report.testResults) {
      const seconds = (endTime - startTime) / 1_000;
      if (seconds >= SLOW_FILE_SECONDS) times.push({ command: `  of it ${relative(root, name)}`, seconds });
    }
    // A run that fails outside any test, or runs no tests, counts as one failure.
    const outside = (!ended && report.numFailedTests === 0) || report.numPassedTests === 0 ? 1 : 0;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + outside,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch (error) {
    console.error(`The tests left no report: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** The tests on the real cluster, which is built and started before them and taken down afterwards. */
function cluster(): Count[] {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return [part('a real cluster, which needs Linux and root', false)];
  const up = part('the real cluster is up', run('npm', ['run', 'lab', '--', 'up']));
  if (up.failed > 0) return [up];
  const tested = tests('run', 'test:e2e');
  return [up, tested, part('the real cluster is down', run('npm', ['run', 'lab', '--', 'down']))];
}

/**
 * The security of workflows and actions, both ours and those that users copy, at the pinned version of the checker.
 * The test `test/e2e/workflows/lint.test.ts` runs actionlint on them.
 */
function workflows(): Count[] {
  const venv = join(scratch, 'venv');
  const installed =
    run('python3', ['-m', 'venv', venv]) && run(join(venv, 'bin/pip'), ['install', '--quiet', 'zizmor==1.32.0']);
  if (!installed) return [part('zizmor installed', false)];
  const patterns = ['.github/workflows/*.yml', 'workflows/*.yml', 'action.yml', 'actions/*/action.yml'];
  const files = [...globSync(patterns, { cwd: root }), '.github/dependabot.yml'];
  const strict = ['--offline', '--quiet', '--strict-collection', '--config', '.github/zizmor.yml'];
  return [part('zizmor', run(join(venv, 'bin/zizmor'), [...strict, ...files]))];
}

const counts = [
  // The command that the README gives to a new user.
  tests('test'),
  part('types', run('npm', ['run', 'types'])),
  part('lint', run('npm', ['run', 'lint'])),
  // A fixed seed gives the same cases each time, so that the result depends on the change alone.
  part('fuzz', run('npm', ['run', 'fuzz', '--', '--seed', '1'])),
  part('nothing unused', run('npm', ['run', 'unused'])),
  part('dependencies', run('npm', ['ls'])),
  part('dist equals a fresh build', run('npm', ['run', 'build:check'])),
  part('docs equal the declarations', run('npm', ['run', 'docs', '--', '--check'])),
  ...workflows(),
  ...cluster(),
];
const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
for (const [name, leftOut] of Object.entries({ observability: missingObservability(), chaos: missingChaos() })) {
  if (leftOut.length > 0)
    console.log(
      `\nLeft out, as not built on this machine (npm run lab -- build ${name}): tests of ${leftOut.join(', ')}`,
    );
}
if (!isInstalled())
  console.log('\nLeft out, as Chromium is not installed (npm run test:real -- report): the HTML reports in a browser');
console.log('\nSeconds of each part, the slowest first:');
for (const { command, seconds } of times.toSorted((a, b) => b.seconds - a.seconds)) {
  console.log(`${seconds.toFixed(1).padStart(8)}  ${command}`);
}
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') === 0 ? 0 : 1;
