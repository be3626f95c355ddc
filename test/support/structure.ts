import { dirname, join } from 'node:path/posix';
import { parseSync, Visitor } from 'oxc-parser';

/** Folders of `src` from top to bottom: an import goes down this list, never up. */
const layers = [
  ...['actions', 'runner', 'report'],
  ...['rollback', 'drills', 'canary', 'gates', 'helm', 'kubectl', 'images', 'github'],
  ...['change'],
  ...['sources'],
  ...['routes', 'meters', 'workloads', 'apply', 'ledger', 'traffic'],
  ...['remote', 'cluster'],
  ...['judge', 'core'],
];

/** A factory is a function that creates others. */
const most = {
  files: 25,
  linesOfFolder: 3_000,
  linesOfFile: 300,
  linesOfFactory: 120,
  linesOfFunction: 60,
  parameters: 4,
};

interface Import {
  readonly from: string;
  readonly to: string;
  /** The import has only types of a capability's ports, which its adapters implement. */
  readonly isOfPorts: boolean;
}

/**
 * The problems in the structure of a tree.
 *
 * @param sources path in `src` → text, as the formatter writes it
 */
export function structureProblems(sources: ReadonlyMap<string, string>): string[] {
  const imports = [...sources].flatMap(([file, text]) => importsOf(file, text));
  const upward = imports.flatMap(({ from, to, isOfPorts }) =>
    layerOf(to) < layerOf(from) && !isOfPorts ? [`${from} imports ${to}, which is above it`] : [],
  );
  const folders = Map.groupBy(sources.keys(), dirname);
  const tooLarge = [...folders].flatMap(([folder, files]) => {
    const lines = files.reduce((sum, file) => sum + linesOf(sources.get(file) ?? ''), 0);
    return [
      ...above(most.files, files.length, `${folder} has`, 'files'),
      ...above(most.linesOfFolder, lines, `${folder} has`, 'lines'),
    ];
  });
  const unknown = [...folders.keys()].filter((folder) => layerOf(folder) < 0).map((folder) => `${folder} has no layer`);
  const files = [...sources].flatMap(([file, text]) => [
    ...above(most.linesOfFile, linesOf(text), `${file} has`, 'lines'),
    ...longFunctions(file, text),
    ...longParameterLists(file, text),
  ]);
  return [...unknown, ...upward, ...circles(imports), ...tooLarge, ...files];
}

function above(limit: number, found: number, what: string, unit: string): string[] {
  return found > limit ? [`${what} ${found} ${unit}, more than ${limit}`] : [];
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}

function layerOf(path: string): number {
  return layers.indexOf(path.split('/')[0] ?? '');
}

function importsOf(file: string, text: string): Import[] {
  const statements = text.matchAll(/^(?:import|export)\b([^;]*?)\bfrom '(\.[^']+)';|\bimport\('(\.[^']+)'\)/gm);
  return [...statements].map(([, names = '', path, loaded = '']) => {
    const to = join(dirname(file), path ?? loaded);
    const isOfTypes = /^ type /.test(names) || (/[{]/.test(names) && !/[{,]\s*(?!type\b)\w/.test(names));
    return { from: file, to, isOfPorts: isOfTypes && to.endsWith('/ports.ts') };
  });
}

/** Folders that import each other. */
function circles(imports: readonly Import[]): string[] {
  const needs = new Map<string, Set<string>>();
  for (const { from, to, isOfPorts } of imports) {
    if (isOfPorts || dirname(from) === dirname(to)) continue;
    needs.set(dirname(from), (needs.get(dirname(from)) ?? new Set()).add(dirname(to)));
  }
  const reached = (from: string) => {
    const seen = new Set<string>();
    const open = [...(needs.get(from) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(needs.get(next) ?? []));
    }
    return seen;
  };
  return [...needs.keys()].filter((folder) => reached(folder).has(folder)).map((folder) => `${folder} is in a circle`);
}

/** The formatter puts the end of a function at the indentation of its beginning. */
function longFunctions(file: string, text: string): string[] {
  const lines = text.split('\n');
  const begins =
    /^(\s*)(?:export )?(?:async )?function\*? ?(\w+)|^(\s*)(?:export )?const (\w+)\b.*=> \{$|^(\s+)(?:async )?(\w+)\(.*\{$/;
  return lines.flatMap((line, at) => {
    const [, a, named, b, constant, c, method] = begins.exec(line) ?? [];
    const name = named ?? constant ?? method;
    if (name === undefined || /^(?:if|for|while|switch|catch)$/.test(name)) return [];
    const indent = a ?? b ?? c ?? '';
    const end = lines.findIndex((other, index) => index > at && other.startsWith(`${indent}}`));
    const body = lines.slice(at, end);
    const isFactory = body.some((inner) => /^(?:async )?function\b|^return \{$/.test(inner.slice(indent.length + 2)));
    const limit = isFactory ? most.linesOfFactory : most.linesOfFunction;
    return above(limit, end - at + 1, `${name} in ${file} has`, 'lines');
  });
}

/** Functions of any kind, and the signatures of those that others implement or pass. */
function longParameterLists(file: string, text: string): string[] {
  const problems: string[] = [];
  const look = ({ params, start }: { readonly params: readonly unknown[]; readonly start: number }) => {
    const line = linesOf(text.slice(0, start)) + 1;
    problems.push(
      ...above(most.parameters, params.length, `the function in line ${line} of ${file} has`, 'parameters'),
    );
  };
  new Visitor({
    FunctionDeclaration: look,
    FunctionExpression: look,
    ArrowFunctionExpression: look,
    TSDeclareFunction: look,
    TSEmptyBodyFunctionExpression: look,
    TSFunctionType: look,
    TSMethodSignature: look,
  }).visit(parseSync(file, text).program);
  return problems;
}
