/**
 * Writes what follows from the lists of inputs, outputs and rights: those parts of `actions/canary/action.yml`, and the
 * tables and Roles of its README. `--check` only compares.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { code, table } from '../src/report/markdown.ts';
import { type InputFacts, inputList } from '../src/runner/inputs.ts';
import { canaryOutputs } from '../src/runner/outputs.ts';
import { roleSections } from './roles.ts';

const folder = join(import.meta.dirname, '../actions/canary');

const groups: Readonly<Record<InputFacts['group'], string>> = {
  cluster: 'Cluster',
  target: 'What is released',
  route: 'What moves the traffic',
  plan: 'Plan',
  metrics: 'Where requests are counted',
  judging: 'What is judged, and how strictly',
  behaviour: 'Behaviour',
};

/** The tables of inputs, one a group. */
export function inputTables(): string {
  return Object.entries(groups)
    .map(([group, title]) => {
      const rows = inputList
        .filter((input) => input.group === group)
        .map(({ name, description, default: byDefault, allowed, example }) => [
          code(name),
          `${description}<br>Allowed: ${allowed}. Example: ${code(example)}`,
          byDefault === undefined ? '' : code(byDefault),
        ]);
      return `**${title}**\n\n${table(['Input', 'Description', 'Default'], rows)}`;
    })
    .join('\n\n');
}

export function outputTable(): string {
  return table(
    ['Output', 'Description'],
    Object.entries(canaryOutputs).map(([name, description]) => [code(name), description]),
  );
}

/** `inputs` and `outputs` of action.yml. */
export function interfaceYaml(): string {
  const inputs = inputList.map(({ name, description, default: byDefault }) => [
    name,
    { description, ...(byDefault !== undefined && { default: byDefault }) },
  ]);
  const outputs = Object.entries(canaryOutputs).map(([name, description]) => [name, { description }]);
  const parts = { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs) };
  return stringify(parts, { lineWidth: 0 }).trimEnd();
}

/** The text with what stands between the markers `NAME` and `/NAME` replaced. */
export function withPart(text: string, open: string, close: string, part: string): string {
  const start = text.indexOf(open);
  const end = text.indexOf(close);
  if (start === -1 || end < start) throw new Error(`the markers ${open} and ${close} are missing`);
  return `${text.slice(0, start + open.length)}\n${part}\n${text.slice(end)}`;
}

/** The files with the parts that they should have. */
export async function rendered(): Promise<{ path: string; found: string; wanted: string }[]> {
  const [action, readme] = [join(folder, 'action.yml'), join(folder, 'README.md')];
  const [actionText, readmeText] = await Promise.all([readFile(action, 'utf8'), readFile(readme, 'utf8')]);
  const withInputs = withPart(readmeText, '<!-- inputs -->', '<!-- /inputs -->', inputTables());
  return [
    {
      path: action,
      found: actionText,
      wanted: withPart(
        actionText,
        '# written by scripts/docs.ts',
        '# end of what scripts/docs.ts writes',
        interfaceYaml(),
      ),
    },
    {
      path: readme,
      found: readmeText,
      wanted: withPart(
        withPart(withInputs, '<!-- outputs -->', '<!-- /outputs -->', outputTable()),
        '<!-- rbac -->',
        '<!-- /rbac -->',
        roleSections(),
      ),
    },
  ];
}

async function main(): Promise<void> {
  const different = (await rendered()).filter(({ found, wanted }) => found !== wanted);
  if (!process.argv.includes('--check')) {
    await Promise.all(different.map(({ path, wanted }) => writeFile(path, wanted)));
    return;
  }
  for (const { path } of different)
    console.error(`${path} differs from the lists of inputs and outputs. Run: npm run docs`);
  process.exitCode = different.length === 0 ? 0 : 1;
}

if (import.meta.main) await main();
