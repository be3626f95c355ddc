/**
 * `npm run demo`: a good release is promoted and a bad one is caught, live, by the same bundle that a workflow runs.
 * `npm run demo -- --scenario NAME [--json]`: one scenario; with --json the last line is its result as one JSON object.
 */
import { copyFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { messageOf } from '../../src/core/errors.ts';
import { demoUsage, readDemoOptions } from './demo-options.ts';
import { play, type ScenarioName, scenarios } from './scenarios.ts';

// https://no-color.org: any value counts; the actions that run here follow it as well.
const colour = !process.env.NO_COLOR && process.stdout.isTTY;
const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  colour ? styleText(style, text, { validateStream: false }) : text;

try {
  const options = readDemoOptions(process.argv.slice(2));
  if (options.help) console.log(demoUsage);
  else for (const name of options.names) await show(name, options.json);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 2;
}

async function show(name: ScenarioName, json: boolean): Promise<void> {
  const { title, verdict } = scenarios[name];
  console.log(`\n${paint(['bold', 'cyan'], `▌ ${title}`)}\n`);
  const env: Record<string, string> = colour ? {} : { NO_COLOR: '1' };
  const { lab, ended, result, clean } = await play(name, (text) => process.stdout.write(readable(text)), env);
  await lab.stop();

  const summary = join(tmpdir(), `sluice-${name}-summary.md`);
  await writeFile(summary, ended.summary);
  const plot = await keptPlot(name, ended.outputs.report ?? '');
  await clean();

  const asTold = result.verdict === verdict;
  const told = `${result.verdict} after ${result.secondsToVerdict} s at ${result.weightReached} %; the canary got ${result.canaryRequests} requests, ${result.canaryBad} of them bad`;
  console.log(`\n${paint(asTold ? 'green' : 'red', `▌ ${told}`)}`);
  console.log(`  job summary: ${summary}`);
  console.log(`  plot:        ${plot ?? 'none: nothing was measured and no request was moved'}`);
  if (!asTold) process.exitCode = 1;
  if (json) console.log(JSON.stringify(result));
}

/** Keeps the plot beside a report; undefined if there is none. */
async function keptPlot(name: ScenarioName, report: string): Promise<string | undefined> {
  const plot = join(tmpdir(), `sluice-${name}.svg`);
  try {
    await copyFile(report.replace(/\.json$/, '.svg'), plot);
    return plot;
  } catch {
    // Nothing was drawn, so a plot of an earlier demo must not be shown.
    return undefined;
  }
}

/** The runner turns its commands into folded groups and annotations; a terminal gets plain lines. */
function readable(text: string): string {
  return text
    .replaceAll(/^::group::(.*)$/gm, (_, title) => paint('bold', `── ${title}`))
    .replaceAll(/^::(?:endgroup|add-mask)::.*\n/gm, '')
    .replaceAll(/^::(error|warning|notice)[^:]*::(.*)$/gm, (_, level, message) => {
      const style = level === 'error' ? 'red' : level === 'warning' ? 'yellow' : 'green';
      return paint(style, decodeURIComponent(message.replaceAll(/%(?!25|0A|0D)/g, '%25')));
    });
}
