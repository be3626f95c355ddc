/**
 * Writes what follows from the lists of inputs, outputs and rights: those parts of each `actions/NAME/action.yml`, and the
 * tables and Roles of its README. `--check` only compares.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Scalar, stringify } from 'yaml';
import { code, table } from '../src/report/markdown.ts';
import type { CompositePart } from '../src/runner/define.ts';
import { type DocumentedAction, documentedActions } from './actions.ts';

/** The tables of inputs, one for each group. */
function inputTables({ inputs, groups }: DocumentedAction): string {
  return Object.entries(groups)
    .map(([group, title]) => {
      const rows = inputs
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

function outputTable({ outputs }: DocumentedAction): string {
  return table(
    ['Output', 'Description'],
    Object.entries(outputs).map(([name, description]) => [code(name), description]),
  );
}

/** `inputs` and `outputs` of action.yml, and the steps of a composite action. */
function interfaceYaml(action: DocumentedAction): string {
  const { inputs, outputs } = action;
  const declared = inputs.map(({ name, description, default: byDefault }) => [
    name,
    { description, ...(byDefault !== undefined && { default: byDefault }) },
  ]);
  const described = Object.entries(outputs).map(([name, description]) => [
    name,
    { description, ...valueAt(name, action) },
  ]);
  const parts = { inputs: Object.fromEntries(declared), outputs: Object.fromEntries(described) };
  const face = stringify(parts, { lineWidth: 0 }).trimEnd();
  return action.parts ? `${face}\n\n${stepsYaml(action.parts)}` : face;
}

const NOTE = "# `$/` is this repository at the commit that runs. For runners that don't know it: docs/release.md.";

/** `runs` of a composite action. */
function stepsYaml(parts: readonly CompositePart[]): string {
  const steps = parts.map(({ id, action, if: condition, with: given, comment }) => {
    const step = {
      id,
      ...(condition !== undefined && { if: folded(condition) }),
      uses: `$/actions/${action}`,
      with: given,
    };
    const text = stringify([step], { lineWidth: 120 }).trimEnd();
    return comment === undefined ? text : `# ${comment}\n${text}`;
  });
  const lines = steps.join('\n\n').split('\n');
  return [
    NOTE,
    'runs:',
    '  using: composite',
    '  steps:',
    ...lines.map((line) => (line === '' ? '' : `    ${line}`)),
  ].join('\n');
}

/** Puts a long text on lines of its own: the formatter would fold one that begins in the line of its key differently. */
function folded(text: string): string | Scalar<string> {
  if (text.length <= 100) return text;
  const scalar = new Scalar(text);
  scalar.type = Scalar.BLOCK_FOLDED;
  return scalar;
}

/** The source of an output in a composite action: always its last step. */
function valueAt(output: string, { name }: DocumentedAction): { readonly value?: string } {
  return name === '' ? { value: `\${{ steps.end.outputs.${output} }}` } : {};
}

/** The text with the part between the markers `NAME` and `/NAME` replaced. */
export function withPart(text: string, open: string, close: string, part: string): string {
  const start = text.indexOf(open);
  const end = text.indexOf(close);
  if (start === -1 || end < start) throw new Error(`the markers ${open} and ${close} are missing`);
  return `${text.slice(0, start + open.length)}\n${part}\n${text.slice(end)}`;
}

/** The files of all actions with the parts that they should have. */
export async function rendered(): Promise<{ path: string; found: string; wanted: string }[]> {
  return (await Promise.all(documentedActions.map(renderedFor))).flat();
}

/** The files that declare and document an action. */
export function filesOf({ name }: DocumentedAction): { readonly yaml: string; readonly readme: string } {
  const root = join(import.meta.dirname, '..');
  const folder = join(root, 'actions', name);
  return name === ''
    ? { yaml: join(root, 'action.yml'), readme: join(root, 'docs/release.md') }
    : { yaml: join(folder, 'action.yml'), readme: join(folder, 'README.md') };
}

async function renderedFor(action: DocumentedAction) {
  const { yaml, readme } = filesOf(action);
  const [yamlText, readmeText] = await Promise.all([readFile(yaml, 'utf8'), readFile(readme, 'utf8')]);
  const parts = { inputs: inputTables(action), outputs: outputTable(action), rbac: action.roles };
  const readmeWanted = Object.entries(parts).reduce(
    (text, [name, part]) => (part === undefined ? text : withPart(text, `<!-- ${name} -->`, `<!-- /${name} -->`, part)),
    readmeText,
  );
  const yamlWanted = withPart(
    yamlText,
    '# written by scripts/docs.ts',
    '# end of what scripts/docs.ts writes',
    interfaceYaml(action),
  );
  return [
    { path: yaml, found: yamlText, wanted: yamlWanted },
    { path: readme, found: readmeText, wanted: readmeWanted },
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
