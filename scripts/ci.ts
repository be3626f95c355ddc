/**
 * Runs every check of the project, one after the other, and prints how long each took and how many passed. A failed part fails
 * the run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInstalled } from '../lab/browser/index.ts';
import { notBuilt as missingChaos } from '../lab/chaos/index.ts';
import { notBuilt as missingObservability } from '../lab/observability/index.ts';
import { describeFailures, type Ended, type Failure, failedPart, failuresOf, vitestReport } from './failures.ts';

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

/** What failed so far, for the end of the log. */
const failures: Failure[] = [];

/** Characters that are kept of what a program printed last. */
const KEPT_OUTPUT = 100_000;
/** Milliseconds for the rest of the output after a program's end: what it has left running may keep its output open. */
const REST_OF_OUTPUT = 2_000;

/** Runs a program, shows what it prints, and keeps the end of that. */
async function run(command: string, args: readonly string[]): Promise<Ended> {
  const named = `${basename(command)} ${args.filter((arg) => !arg.startsWith('-')).join(' ')}`;
  console.log(`\n▶ ${command} ${args.join(' ')}`);
  const begun = performance.now();
  let output = '';
  // The programs write into a pipe, but what they print is seen here.
  const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...colours, PATH: path },
  });
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.setEncoding('utf8').on('data', (text: string) => {
      to.write(text);
      output = (output + text).slice(-KEPT_OUTPUT);
    });
  }
  const closed = once(child, 'close').catch(() => undefined);
  let status: Ended['status'];
  try {
    const [code, signal]: unknown[] = await once(child, 'exit');
    status = typeof code === 'number' ? code : `it was ended by ${signal}`;
    await Promise.race([closed, sleep(REST_OF_OUTPUT, undefined, { ref: false })]);
  } catch (error) {
    status = `it could not be started: ${error instanceof Error ? error.message : error}`;
    console.error(status);
  }
  child.stdout.destroy();
  child.stderr.destroy();
  times.push({ command: named, seconds: (performance.now() - begun) / 1_000 });
  return { status, output };
}

/** A part that passes where its program ends with status 0. */
function part(name: string, ended: Ended): Count {
  const passed = ended.status === 0;
  console.log(passed ? `✓ ${name}` : `✗ ${name}`);
  if (!passed) failures.push(failedPart(name, ended));
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/** Test files that take less time are not listed. */
const SLOW_FILE_SECONDS = 10;

/** A test command of the project, counted test by test. */
async function tests(...command: string[]): Promise<Count> {
  const file = join(scratch, `${command.join('-')}.json`.replaceAll(':', '-'));
  const reporters = ['default', 'json', './scripts/repeated-tests.ts'].map((name) => `--reporter=${name}`);
  const ended = await run('npm', [...command, '--', ...reporters, `--outputFile.json=${file}`]);
  try {
    const report = vitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
    for (const { name, startTime, endTime } of report.testResults) {
      const seconds = (endTime - startTime) / 1_000;
      if (seconds >= SLOW_FILE_SECONDS) times.push({ command: `  of it ${relative(root, name)}`, seconds });
    }
    failures.push(...failuresOf(`npm ${command.join(' ')}`, report, ended, root));
    // A run that fails outside any test, or runs no tests, counts as one failure.
    const outside = (ended.status !== 0 && report.numFailedTests === 0) || report.numPassedTests === 0 ? 1 : 0;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + outside,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch (error) {
    console.error(`The tests left no report: ${error instanceof Error ? error.message : error}`);
    failures.push(failedPart(`npm ${command.join(' ')}, which left no report`, ended));
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** The tests on the real cluster, which is built and started before them and taken down afterwards. */
async function cluster(): Promise<Count[]> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return [part('a real cluster', { status: 'it needs Linux and root', output: '' })];
  const up = part('the real cluster is up', await run('npm', ['run', 'lab', '--', 'up']));
  if (up.failed > 0) return [up];
  const tested = await tests('run', 'test:e2e');
  return [up, tested, part('the real cluster is down', await run('npm', ['run', 'lab', '--', 'down']))];
}

/**
 * The security of workflows and actions, both ours and those that users copy, at the pinned version of the checker.
 * The test `test/e2e/workflows/lint.test.ts` runs actionlint on them.
 */
async function workflows(): Promise<Count[]> {
  const venv = join(scratch, 'venv');
  const made = await run('python3', ['-m', 'venv', venv]);
  const installed =
    made.status === 0 ? await run(join(venv, 'bin/pip'), ['install', '--quiet', 'zizmor==1.32.0']) : made;
  if (installed.status !== 0) return [part('zizmor installed', installed)];
  const patterns = ['.github/workflows/*.yml', 'workflows/*.yml', 'action.yml', 'actions/*/action.yml'];
  const files = [...globSync(patterns, { cwd: root }), '.github/dependabot.yml'];
  const strict = ['--offline', '--quiet', '--strict-collection', '--config', '.github/zizmor.yml'];
  return [part('zizmor', await run(join(venv, 'bin/zizmor'), [...strict, ...files]))];
}

const counts = [
  // The command that the README gives to a new user.
  await tests('test'),
  part('types', await run('npm', ['run', 'types'])),
  part('lint', await run('npm', ['run', 'lint'])),
  // A fixed seed gives the same cases each time, so that the result depends on the change alone.
  part('fuzz', await run('npm', ['run', 'fuzz', '--', '--seed', '1'])),
  part('nothing unused', await run('npm', ['run', 'unused'])),
  part('dependencies', await run('npm', ['ls'])),
  part('dist equals a fresh build', await run('npm', ['run', 'build:check'])),
  part('docs equal the declarations', await run('npm', ['run', 'docs', '--', '--check'])),
  ...(await workflows()),
  ...(await cluster()),
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
if (failures.length > 0) console.log(`\n${describeFailures(failures).join('\n')}`);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') === 0 ? 0 : 1;
