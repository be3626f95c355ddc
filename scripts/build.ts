/**
 * Bundles the entry files of all `src/actions/NAME` into `dist`, with common code in shared chunks.
 * `--check` builds elsewhere and compares: `dist` must equal a fresh build.
 */
import { glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { parseSync } from 'oxc-parser';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

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

/** Modules of undici that no request here needs at its start: in a file → what loads a module at once, and what does on use. */
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

const loadedOnUse: Plugin = {
  name: 'loaded-on-use',
  setup({ onResolve, onLoad }) {
    for (const [file, [atOnce, onUse]] of Object.entries(laterInUndici)) {
      onLoad(
        { filter: new RegExp(`[/\\\\]undici[/\\\\]lib[/\\\\]${file.replace('/', '[/\\\\]')}$`) },
        async ({ path }) => {
          const source = await readFile(path, 'utf8');
          if (!source.includes(atOnce)) return { errors: [{ text: `${file} of undici has no "${atOnce}" any more` }] };
          return { contents: source.replace(atOnce, onUse), loader: 'js' };
        },
      );
    }
    onResolve({ filter: /^re2js$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 're2js', namespace: 'on-use' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'on-use' }, () => ({ contents: re2OnUse, resolveDir: root }));
  },
};

/** Bundles entry files, by the names of their bundles, as `dist` is made. */
export async function bundle(entries: Readonly<Record<string, string>>, outdir: string): Promise<void> {
  const { metafile, outputFiles } = await build({
    write: false,
    entryPoints: entries,
    outdir,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifyWhitespace: true,
    minifySyntax: true,
    // Names in stack traces are informative, and keeping them costs less at the start than restoring them.
    minifyIdentifiers: false,
    chunkNames: 'chunks/[name]-[hash]',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    // Optional accelerators, which the libraries can do without.
    external: ['bufferutil', 'utf-8-validate', 'supports-color'],
    banner: { js: banner },
    plugins: [partsOfUndici, loadedOnUse, dropUnused],
  });
  for (const { path, text } of outputFiles) {
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
