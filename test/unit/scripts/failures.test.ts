import { describe, expect, it } from 'vitest';
import { describeFailures, failedPart, failuresOf, shortenError, vitestReport } from '../../../scripts/failures.ts';

const passed = { fullName: 'adds', status: 'passed', failureMessages: [] as string[] };
const failed = {
  fullName: 'sums subtracts',
  status: 'failed',
  failureMessages: [
    'AssertionError: expected 1 to be 2\n    at /home/alice/sluice/test/unit/sums.test.ts:3:17\n    at runTest',
  ],
};

/** A report as vitest writes it, of these files. */
function reportOf(
  ...files: { name: string; message?: string; status?: string; assertionResults: (typeof passed)[] }[]
) {
  const count = (status: string) =>
    files.flatMap((file) => file.assertionResults).filter((result) => result.status === status).length;
  return vitestReport.parse({
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: files.map((file) => ({ status: 'passed', message: '', startTime: 0, endTime: 1, ...file })),
  });
}

const sums = {
  name: '/home/alice/sluice/test/unit/sums.test.ts',
  assertionResults: [passed, failed],
  status: 'failed',
};
const broken = { name: '/home/alice/sluice/test/unit/broken.test.ts', assertionResults: [], status: 'failed' };
const fine = { name: '/home/alice/sluice/test/unit/fine.test.ts', assertionResults: [passed] };
const failuresIn = (report: ReturnType<typeof reportOf>, status: number, output = '') =>
  failuresOf('npm test', report, { status, output }, '/home/alice/sluice');

describe('the failures of a test command', () => {
  it('are named with their file and the reason', () => {
    expect(failuresIn(reportOf(fine, sums), 1)).toEqual([
      {
        what: 'test/unit/sums.test.ts: sums subtracts',
        why: ['AssertionError: expected 1 to be 2', '    at /home/alice/sluice/test/unit/sums.test.ts:3:17'],
      },
    ]);
  });

  it('are a file that could not be loaded', () => {
    const report = reportOf(fine, { ...broken, message: 'Cannot find module ./gone.ts' });
    expect(failuresIn(report, 1)).toEqual([
      { what: 'test/unit/broken.test.ts', why: ['Cannot find module ./gone.ts'] },
    ]);
    expect(failuresIn(reportOf(fine, broken), 1)).toEqual([
      { what: 'test/unit/broken.test.ts', why: ['The file failed.'] },
    ]);
  });

  it('are an error outside any test, of which only the output tells', () => {
    expect(failuresIn(reportOf(fine), 1, 'Unhandled Errors\nError: too late\n')).toEqual([
      {
        what: 'npm test (it ended with status 1 although no test failed)',
        why: ['Unhandled Errors', 'Error: too late'],
      },
    ]);
  });

  it('are an error outside any test beside a test that failed', () => {
    const output = '⎯⎯ \u001b[1mUnhandled Errors\u001b[22m ⎯⎯\nError: too late\n';
    expect(failuresIn(reportOf(sums), 1, output).map(({ what }) => what)).toEqual([
      'test/unit/sums.test.ts: sums subtracts',
      'npm test (it ended with status 1)',
    ]);
  });

  it('are a run in which no test passed, and no run that passed', () => {
    expect(failuresIn(reportOf(), 0, 'No test files found\n')).toEqual([
      { what: 'npm test (no test passed)', why: ['No test files found'] },
    ]);
    expect(failuresIn(reportOf(fine), 0, 'all is well\n')).toEqual([]);
  });
});

it('a part that failed shows the end of its output, without colours', () => {
  const output = Array.from({ length: 100 }, (_, index) => `\u001b[31mline ${index + 1}\u001b[39m\n`).join('');
  const { what, why } = failedPart('fuzz', { status: 1, output });
  expect(what).toBe('fuzz (it ended with status 1)');
  expect([why.length, why[0], why.at(-1)]).toEqual([60, 'line 41', 'line 100']);
  expect(failedPart('types', { status: 'it was ended by SIGKILL', output }).what).toBe(
    'types (it was ended by SIGKILL)',
  );
});

describe('a long error', () => {
  const log = Array.from({ length: 50 }, (_, index) => `log ${index + 1}`);
  it('keeps the begin and the end of its message, which says what was expected, and the place', () => {
    const expected = ': expected { verdict: "held" } to match object { verdict: "promoted" }';
    const error = [`AssertionError: ${log[0]}`, ...log.slice(1), expected, '    at test.ts:1:2', '    at b'].join('\n');
    const short = shortenError(error);
    expect(short).toHaveLength(10);
    expect(short.slice(0, 4)).toEqual(['AssertionError: log 1', 'log 2', 'log 3', '… 43 lines …']);
    expect(short.slice(-2)).toEqual([expected, '    at test.ts:1:2']);
  });

  it('may have no stack', () => {
    const short = shortenError(log.join('\n'));
    expect([short.length, short[3], short.at(-1)]).toEqual([10, '… 41 lines …', 'log 50']);
  });
});

describe('the end of the log', () => {
  it('says nothing where nothing failed', () => {
    expect(describeFailures([])).toEqual([]);
  });

  it('names all that failed, and explains the first twenty', () => {
    const failures = Array.from({ length: 25 }, (_, index) => ({ what: `part ${index + 1}`, why: ['because'] }));
    const lines = describeFailures(failures);
    expect(lines.slice(0, 3)).toEqual(['Failed:', '  ✗ part 1', '      because']);
    expect(lines.filter((line) => line.includes('because'))).toHaveLength(20);
    expect(lines.at(-1)).toBe('  ✗ part 25');
  });
});
