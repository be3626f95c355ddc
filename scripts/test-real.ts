/**
 * Tests against real programs and public inputs, which are too large or too slow for CI:
 *   npm run test:real -- NAME [ARGUMENT …]
 */
import { execa } from 'execa';

/** What each name runs; its arguments follow. */
const suites: Readonly<Record<string, readonly string[]>> = {
  'oracle-charts': ['test/oracle/charts.ts'],
};

const [name = '', ...rest] = process.argv.slice(2);
const suite = suites[name];
if (!suite) {
  console.error(`npm run test:real -- NAME, with NAME one of ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}
const { exitCode } = await execa(process.execPath, [...suite, ...rest], { stdio: 'inherit', reject: false });
process.exit(exitCode ?? 1);
