/**
 * Bundles the entry files of all `src/actions/NAME` into `dist`, with common code in shared chunks.
 * `--check` builds elsewhere and compares: `dist` must equal a fresh build.
 */
import { glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { parseSync } from 'oxc-parser';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const require = createRequire(import.meta.url);

/** Bundle name → entry file: `src/actions/canary/post.ts` becomes `canary/post`, `main.ts` beside it `canary/index`. */
async function entryPoints(): Promise<Record<string, string>> {
  const folder = join(root, 'src/actions');
  const files = await Array.fromAsync(glob('*/{main,post}.ts', { cwd: folder }));
  return Object.fromEntries(
    files.toSorted().map((file) => [file.replace(/main\.ts$/, 'index').replace(/\.ts$/, ''), join(folder, file)]),
  );
}

/** Packages whose modules have no side effects, though their package.json does not say so. */
const withoutSideEffects = /node_modules\/(@kubernetes\/client-node|@actions\/|zod\/)/;

/** Lets the bundler drop unused code: 4 MB of typed models of the Kubernetes client. */
const dropUnused: Plugin = {
  name: 'drop-unused',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^/]|^\./ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === 'resolving' || kind === 'entry-point') return undefined;
      const resolved = await resolve(path, { importer, resolveDir, kind, pluginData: 'resolving' });
      return withoutSideEffects.test(resolved.path) ? { ...resolved, sideEffects: false } : resolved;
    });
  },
};

/**
 * Takes Node's own modules by a call and not by `import`, which reads every export of a module when it is loaded: of
 * `node:http` the WebSocket of a second undici, of `node:process` all three streams. The calls come first in the bundle, as
 * what is imported does.
 */
function takeBuiltinsByCall(path: string, code: string): string {
  const imports = parseSync(path, code).module.staticImports.filter(
    ({ moduleRequest: { value } }) => isBuiltin(value) && value !== 'node:module',
  );
  const calls = imports.flatMap(({ moduleRequest, entries }) =>
    entries.map(({ importName: { kind, name }, localName }) => {
      // A module may have a `process` of its own.
      const module = `globalThis.process.getBuiltinModule("${moduleRequest.value.replace(/^(node:)?/, 'node:')}")`;
      return `const ${localName.value}=${module}${kind === 'Name' && name !== 'default' ? `.${name}` : ''};`;
    }),
  );
  const rest = imports.reduceRight((text, { start, end }) => text.slice(0, start) + text.slice(end), code);
  return rest.replace(banner, () => `${banner}\n${calls.join('')}`);
}

/** The first line of each bundle: libraries in the older format `require` Node's modules. */
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * The parts of undici that the bundles use; its index also loads the rest: web sockets, caches, mocks. A missing name fails the
 * build.
 */
const undiciParts = `
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  import api from 'undici/lib/api/index.js';
  Object.assign(Dispatcher.prototype, api);
  export { default as Agent } from 'undici/lib/dispatcher/agent.js';
  export { default as EnvHttpProxyAgent } from 'undici/lib/dispatcher/env-http-proxy-agent.js';
  export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
  export { default as errors } from 'undici/lib/core/errors.js';
  export const fetch = (...args) => require('undici/lib/web/fetch/index.js').fetch(...args);
  export const Response = new Proxy(class {}, {
    construct: (_, args) => new (require('undici/lib/web/fetch/response.js').Response)(...args),
  });
`;

const partsOfUndici: Plugin = {
  name: 'parts-of-undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'parts' }));
    onLoad({ filter: /.*/, namespace: 'parts' }, () => ({ contents: undiciParts, resolveDir: root }));
  },
};

/**
 * Modules that libraries load by `require` when they need them, by the names of their bundles. Without a bundle of their own they
 * would be in the file of whoever may need them, and be compiled at each start.
 */
const onUse: Readonly<Record<string, string>> = {
  re2js: 're2js',
  'undici-body': 'undici/lib/web/fetch/body.js',
  'undici-fetch': 'undici/lib/web/fetch/index.js',
  'undici-formdata': 'undici/lib/web/fetch/formdata.js',
  'undici-h2': 'undici/lib/dispatcher/client-h2.js',
  'undici-llhttp': 'undici/lib/llhttp/llhttp-wasm.js',
  'undici-response': 'undici/lib/web/fetch/response.js',
  'undici-webidl': 'undici/lib/web/webidl/index.js',
};

/** What undici loads at once, and what it does on use. */
const laterInUndici: Readonly<Record<string, readonly [atOnce: string, onUse: string]>> = {
  'dispatcher/client.js': [
    "const connectH2 = require('./client-h2.js')",
    "const connectH2 = (...args) => require('./client-h2.js')(...args)",
  ],
  // An experimental parser, in WebAssembly; Node leaves it out in the same way.
  'dispatcher/client-h1.js': [
    "const { H1Parser, getMiloEnabled } = typeof esbuildDetection === 'undefined'",
    'const { H1Parser, getMiloEnabled = () => false } = false',
  ],
};

/** re2js, whose tables are made when its first expression is compiled. */
const re2OnUse = `
  const load = () => require('re2js').RE2JS;
  export const RE2JS = new Proxy({}, { get: (_, name) => load()[name] });
`;

/** Entries of `onUse`, which `require` gives as it gives the modules themselves. */
const entriesOnUse = Object.fromEntries(Object.keys(onUse).map((name) => [`chunks/${name}`, `on-use:${name}`]));

const loadedOnUse: Plugin = {
  name: 'loaded-on-use',
  setup({ onResolve, onLoad }) {
    for (const [file, [atOnce, later]] of Object.entries(laterInUndici)) {
      onLoad(
        { filter: new RegExp(`[/\\\\]undici[/\\\\]lib[/\\\\]${file.replace('/', '[/\\\\]')}$`) },
        async ({ path }) => {
          const source = await readFile(path, 'utf8');
          if (!source.includes(atOnce)) return { errors: [{ text: `${file} of undici has no "${atOnce}" any more` }] };
          return { contents: source.replace(atOnce, later), loader: 'js' };
        },
      );
    }
    onResolve({ filter: /./, namespace: 'required' }, ({ path }) => ({ path, external: true }));
    onResolve({ filter: /^re2js$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 're2js', namespace: 'as-proxy' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'as-proxy' }, () => ({ contents: re2OnUse, resolveDir: root }));

    onResolve({ filter: /^on-use:/ }, ({ path }) => ({ path: path.replace('on-use:', ''), namespace: 'on-use' }));
    onLoad({ filter: /.*/, namespace: 'on-use' }, ({ path }) => ({
      contents: `import module from ${JSON.stringify(require.resolve(onUse[path] ?? ''))};
        const exported = module; export { exported as 'module.exports' };`,
      resolveDir: root,
    }));
    const names = new Map(Object.entries(onUse).map(([name, path]) => [require.resolve(path), name]));
    onResolve({ filter: /./ }, async ({ path, importer, kind }) => {
      if (kind !== 'require-call' || importer.includes('/undici/lib/web/')) return undefined;
      if (!path.startsWith('.') && !path.startsWith('undici/') && path !== 're2js') return undefined;
      const file = createRequire(isAbsolute(importer) ? importer : join(root, 'package.json')).resolve(path);
      const name = names.get(file);
      return name === undefined ? undefined : { path: name, namespace: 'required' };
    });
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('../chunks/${path}.js');`,
      loader: 'js',
    }));
  },
};

/** Path of a merged chunk → name of an export → its name in the merged file. */
type Renamed = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Merges the chunks that most actions load into one file. Splitting makes a chunk for every combination of entries that share
 * code, and Node takes time for each file and for each import between two files.
 */
async function mergeCommon(
  files: ReadonlyMap<string, string>,
  metafile: Metafile,
  path: string,
): Promise<Map<string, string>> {
  const common = commonChunks(metafile);
  const names = new Map<string, Map<string, string>>();
  let count = 0;
  for (const chunk of common) {
    const exported = metafile.outputs[relative(root, chunk)]?.exports ?? [];
    names.set(chunk, new Map(exported.map((name) => [name, `e${count++}`])));
  }
  const contents = [...names].map(([chunk, renamed]) => {
    const list = [...renamed].map(([name, as]) => `${name} as ${as}`);
    return list.length > 0 ? `export { ${list} } from ${JSON.stringify(chunk)};` : `import ${JSON.stringify(chunk)};`;
  });
  const { outputFiles } = await build({
    ...form,
    stdin: { contents: contents.join('\n'), resolveDir: dirname(path) },
    outfile: path,
    plugins: [builtFiles(files, names)],
  });
  const rest = [...files].filter(([file]) => !names.has(file));
  return new Map([
    ...rest.map(([file, text]) => [file, importFrom(path, names, file, text)] as const),
    ...outputFiles.map(({ text }) => [path, text] as const),
  ]);
}

/**
 * The chunks that at least half of the actions load at once, and no `post`, which starts in every job and loads little. What such
 * a chunk imports is one of them or loaded by `post`, so the merged file imports nothing that imports it.
 */
function commonChunks({ outputs }: Metafile): string[] {
  const loaders = new Map<string, Set<string>>();
  const mark = (path: string, entry: string) => {
    const by = loaders.get(path) ?? new Set();
    if (by.has(entry)) return;
    loaders.set(path, by.add(entry));
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && !external) mark(next, entry);
    }
  };
  const entries = Object.keys(outputs).filter((path) => /\/(index|post)\.js$/.test(path));
  for (const entry of entries) mark(entry, entry);
  const mains = entries.filter((entry) => entry.endsWith('index.js'));
  return [...loaders]
    .filter(
      ([path, by]) =>
        !outputs[path]?.entryPoint && by.size >= mains.length / 2 && [...by].every((entry) => mains.includes(entry)),
    )
    .map(([path]) => join(root, path))
    .toSorted();
}

/** Lets the bundler read what it has just built. What is not merged stays where it is. */
function builtFiles(files: ReadonlyMap<string, string>, merged: Renamed): Plugin {
  return {
    name: 'built-files',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.|^\// }, ({ path, importer, kind }) => {
        const file = resolve(dirname(importer), path);
        return merged.has(file) && kind !== 'dynamic-import' ? { path: file } : { path, external: true };
      });
      onLoad({ filter: /./ }, ({ path }) => ({ contents: files.get(path)?.replace(banner, ''), loader: 'js' }));
    },
  };
}

/** Imports what was merged from where it is now, by its new name. */
function importFrom(path: string, merged: Renamed, file: string, text: string): string {
  const imports = parseSync(file, text).module.staticImports.filter(({ moduleRequest }) =>
    merged.has(resolve(dirname(file), moduleRequest.value)),
  );
  if (imports.length === 0) return text;
  const names = imports.flatMap(({ moduleRequest, entries }) => {
    const renamed = merged.get(resolve(dirname(file), moduleRequest.value));
    return entries.map(({ importName, localName }) => `${renamed?.get(importName.name ?? '')} as ${localName.value}`);
  });
  const rest = imports.reduceRight((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
  return rest.replace(banner, () => `${banner}\nimport{${names}}from"../chunks/${basename(path)}";`);
}

const form = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifyWhitespace: true,
  minifySyntax: true,
  // Names in stack traces are informative, and keeping them costs less at the start than restoring them.
  minifyIdentifiers: false,
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: banner },
} as const satisfies BuildOptions;

/** Bundles entry files, by the names of their bundles, as `dist` is made. */
export async function bundle(entries: Readonly<Record<string, string>>, outdir: string): Promise<void> {
  const { metafile, outputFiles } = await build({
    ...form,
    entryPoints: { ...entries, ...entriesOnUse },
    outdir,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    metafile: true,
    // Optional accelerators, which the libraries can do without.
    external: ['bufferutil', 'utf-8-validate', 'supports-color'],
    plugins: [partsOfUndici, loadedOnUse, dropUnused],
  });
  const files = new Map(outputFiles.map(({ path, text }) => [path, text]));
  for (const [path, text] of await mergeCommon(files, metafile, join(outdir, 'chunks/common.js'))) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, takeBuiltinsByCall(path, text));
  }
  await writeFile(join(outdir, 'licenses.txt'), await licenses(metafile));
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }\n');
}

/** The licence texts of all packages in the bundles, as their licences require. */
async function licenses(metafile: Metafile): Promise<string> {
  const packages = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const folder = /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder) packages.add(folder);
  }
  const texts = await Promise.all(
    [...packages].sort().map(async (folder) => {
      const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
      const file = (await readdir(join(root, folder))).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file ? await readFile(join(root, folder, file), 'utf8') : '';
      return `${name} ${version} (${license})\n\n${text.replaceAll('\r\n', '\n').trim()}\n`;
    }),
  );
  return texts.join('\n────────────────────────────────────────\n\n');
}

async function contents(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')] as const);
  return new Map((await Promise.all(read)).sort());
}

async function check(): Promise<void> {
  // Beside dist, so that relative paths are the same.
  const fresh = await mkdtemp(join(tmpdir(), 'sluice-dist-'));
  try {
    await bundle(await entryPoints(), fresh);
    const [committed, built] = await Promise.all([contents(dist), contents(fresh)]);
    const names = new Set([...committed.keys(), ...built.keys()]);
    const different = [...names].filter((name) => committed.get(name) !== built.get(name));
    if (different.length > 0) {
      console.error(`dist differs from a fresh build: ${different.join(', ')}. Run: npm run build`);
      process.exitCode = 1;
      return;
    }
    const bytes = [...built.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    console.log(`dist equals a fresh build (${built.size} files, ${(bytes / 1e6).toFixed(2)} MB)`);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  if (process.argv.includes('--check')) return check();
  await rm(dist, { recursive: true, force: true });
  await bundle(await entryPoints(), dist);
  console.log('built dist');
}

if (import.meta.main) await main();
