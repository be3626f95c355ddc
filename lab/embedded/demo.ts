/**
 * `npm run demo`: a good release is promoted and a bad one is caught, live, by the very bundle that a workflow runs.
 * `npm run demo -- --scenario NAME [--json]`: one scenario; with --json the last line is its result as one JSON object.
 */
import { copyFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { isScenarioName, play, type ScenarioName, scenarios } from './scenarios.ts';

const { values } = parseArgs({ options: { scenario: { type: 'string' }, json: { type: 'boolean', default: false } } });
if (values.scenario !== undefined && !isScenarioName(values.scenario)) {
  console.error(`There is no scenario "${values.scenario}". There are: ${Object.keys(scenarios).join(', ')}.`);
  process.exit(2);
}
const names: ScenarioName[] =
  values.scenario !== undefined && isScenarioName(values.scenario) ? [values.scenario] : ['healthy', 'errors-5pct'];

for (const name of names) {
  const { title, verdict } = scenarios[name];
  console.log(`\n${styleText(['bold', 'cyan'], `▌ ${title}`)}\n`);
  const { lab, ended, result, clean } = await play(name, (text) => process.stdout.write(readable(text)));
  await lab.stop();

  const summary = join(tmpdir(), `sluice-${name}-summary.md`);
  const plot = join(tmpdir(), `sluice-${name}.svg`);
  await writeFile(summary, ended.summary);
  await copyFile((ended.outputs.report ?? '').replace(/\.json$/, '.svg'), plot).catch(() => undefined);
  await clean();

  const asTold = result.verdict === verdict;
  const told = `${result.verdict} after ${result.secondsToVerdict} s at ${result.weightReached} %; the canary got ${result.canaryRequests} requests, ${result.canaryBad} of them bad`;
  console.log(`\n${styleText(asTold ? 'green' : 'red', `▌ ${told}`)}`);
  console.log(`  job summary: ${summary}\n  plot:        ${plot}`);
  if (!asTold) process.exitCode = 1;
  if (values.json) console.log(JSON.stringify(result));
}

/** The runner turns its commands into folded groups and annotations; a terminal gets plain lines. */
function readable(text: string): string {
  return text
    .replaceAll(/^::group::(.*)$/gm, (_, title) => styleText('bold', `── ${title}`))
    .replaceAll(/^::(?:endgroup|add-mask)::.*\n/gm, '')
    .replaceAll(/^::(error|warning|notice)[^:]*::(.*)$/gm, (_, level, message) => {
      const colour = level === 'error' ? 'red' : level === 'warning' ? 'yellow' : 'green';
      return styleText(colour, decodeURIComponent(message.replaceAll(/%(?!25|0A|0D)/g, '%25')));
    });
}
