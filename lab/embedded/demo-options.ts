import { parseArgs } from 'node:util';
import { messageOf } from '../../src/core/errors.ts';
import { isScenarioName, type ScenarioName, scenarios } from './scenarios.ts';

interface DemoOptions {
  readonly help: boolean;
  readonly json: boolean;
  /** The scenarios to play, one after the other. */
  readonly names: readonly ScenarioName[];
}

export const demoUsage = `npm run demo [-- OPTIONS]

Plays releases on an embedded lab, live: without options one that is promoted and one that is rolled back.

  --scenario NAME  plays one story
  --json           the last line is its result as one JSON object
  --help           shows this

Scenarios:
${Object.entries(scenarios)
  .map(([name, { title }]) => `  ${name.padEnd(14)} ${title}`)
  .join('\n')}`;

/** @throws Error with the existing options, or scenarios */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  const { scenario, json, help } = parsed(args);
  if (scenario === undefined) return { help, json, names: ['healthy', 'errors-5pct'] };
  if (isScenarioName(scenario)) return { help, json, names: [scenario] };
  throw new Error(`There is no scenario "${scenario}". There are: ${Object.keys(scenarios).join(', ')}.`);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new Error(`${messageOf(error)}\n\n${demoUsage}`, { cause: error });
  }
}
