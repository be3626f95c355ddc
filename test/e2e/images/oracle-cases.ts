// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have such placeholders
/** Random builds, and one change to each: what the oracle compares the content key with. */
import { chmod, lchown, mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';

/** An entry of a context, by its path. */
type TestEntry =
  | { readonly kind: 'file'; readonly content: string; readonly mode: number }
  | { readonly kind: 'folder'; readonly mode: number }
  | { readonly kind: 'link'; readonly to: string };

export interface TestBuild {
  readonly entries: Readonly<Record<string, TestEntry>>;
  readonly dockerfile: string;
  /** By the file's name. */
  readonly ignore: Readonly<Record<string, string>>;
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** One build before and after one change. */
export interface TestCase {
  readonly before: TestBuild;
  readonly after: TestBuild;
  readonly change: string;
  /** What is done to the files of `after` that no build sees. */
  readonly touch: boolean;
}

/** What the Dockerfiles of the cases name. */
export interface TestSources {
  /** An image with the tool, whose tag stays. */
  readonly base: string;
  /** Images with the tool and a message, whose tag moves between before and after. */
  readonly moving: string;
  /** A file of a server, as ADD takes it. */
  readonly downloads: readonly string[];
}

const names = [
  'a',
  'A',
  'b.txt',
  'README.md',
  'readme.md',
  'docs',
  'Docs',
  'src',
  'build',
  'BUILD',
  'a+b.txt',
  'aab.txt',
];
const moreNames = ['.env', '.git', 'node_modules', 'x y', 'é', 'é', '#c', 'a-b', 'b', 'c.log', '.dockerignored'];
const name = fc.constantFrom(...names, ...moreNames);
const folders = fc.array(fc.constantFrom('docs', 'Docs', 'src', 'node_modules', '.git', 'b', 'x y'), { maxLength: 2 });
const path = fc.tuple(folders, name).map(([above, last]) => [...above, last].join('/'));
const content = fc.constantFrom('', '1', '2', 'hello\n', 'x'.repeat(5_000));
const fileMode = fc.constantFrom(0o644, 0o600, 0o755, 0o777, 0o4755, 0o664, 0o640);
const folderMode = fc.constantFrom(0o755, 0o700, 0o775, 0o1777);

const file = fc.record({ kind: fc.constant('file' as const), content, mode: fileMode });
const entry: fc.Arbitrary<TestEntry> = fc.oneof(
  { weight: 6, arbitrary: file },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('folder' as const), mode: folderMode }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('link' as const),
      to: fc.constantFrom('a', '../a', '/etc', 'docs/b.txt'),
    }),
  },
);

/** Adds an entry, without those that it would stand in the way of. */
function withEntry(entries: TestBuild['entries'], at: string, added: TestEntry): TestBuild['entries'] {
  const others = Object.entries(entries).filter(
    ([other, { kind }]) => !other.startsWith(`${at}/`) && !(at.startsWith(`${other}/`) && kind !== 'folder'),
  );
  return { ...Object.fromEntries(others), [at]: added };
}

const tree = fc
  .array(fc.tuple(path, entry), { minLength: 1, maxLength: 9 })
  .map((list) => list.reduce<TestBuild['entries']>((entries, [at, added]) => withEntry(entries, at, added), {}));

const pattern = fc.constantFrom(
  ...[
    'docs',
    '**/docs',
    '*.md',
    '!README.md',
    'build',
    'a+b.txt',
    'src/*',
    '/docs',
    'docs/',
    './src',
    '# c',
    '#c',
    '?',
  ],
  ...[
    '[ab]*',
    '**/*.txt',
    '*/b.txt',
    '.git',
    'a?b.txt',
    '!docs/**',
    'src/**/b.txt',
    '  docs ',
    'b.txt\r',
    '!**/a',
    '**',
  ],
  ...['node_modules', '**/node_modules', 'x y', 'é', '!src', '!src/a', '*', '!*', '[!a]', '[^a]', '*.log', 'b/../docs'],
  ...[
    '!/docs/b.txt',
    '**/b*',
    'docs/**',
    'src**',
    '**.txt',
    'a**b.txt',
    '.*',
    '!.env',
    'Docs/a',
    '\u00a0docs',
    'docs//b',
  ],
);
const ignore = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom('.dockerignore', '.dockerignore', 'Dockerfile.dockerignore'),
        fc.constantFrom('', '', '\uFEFF'),
        fc.array(pattern, { minLength: 1, maxLength: 4 }),
      )
      .map(([at, mark, patterns]) => ({ [at]: `${mark}${patterns.join('\n')}\n` })),
  },
);

/** Instructions that always have something to copy. */
function instruction({ base, moving, downloads }: TestSources) {
  const usual = ['COPY . /', 'COPY . /x/', 'ADD . /add/', 'COPY --link . /', 'COPY --chown=1:2 . /', 'copy . /y'];
  const flags = [
    'COPY --chmod=640 . /',
    'COPY --exclude=*.md . /',
    'COPY --parents Dockerfile* /p/',
    'COPY --link --chown=3 . /l/',
  ];
  const documents = [
    'COPY <<EOF /h\nCOPY --from=none /a /b\nv=$V\nEOF',
    'COPY <<-"EOF" /h\n\t$V\n\tEOF',
    'COPY <<A <<B /hh/\na\nA\nb\nB',
  ];
  const words = [
    'ARG V\nLABEL v=$V',
    'ENV E=1',
    'WORKDIR /w',
    'ONBUILD COPY . /o',
    '# COPY <<EOF',
    'LABEL a=b \\\n  c=d',
    'USER 5',
    'ARG SOURCE_DATE_EPOCH\nLABEL e=$SOURCE_DATE_EPOCH',
  ];
  const elsewhere = [
    `COPY --from=${moving} /message /m`,
    `COPY --link --from=${moving} /message /m`,
    `COPY --chmod=600 \\\n  --from=${moving} \\\n# comment\n  /message /m`,
    `COPY --from=${base} /message /m`,
    `RUN --mount=type=bind,target=/t,from=${moving} ["/tool", "copy", "/t/message", "/n"]`,
    `RUN --mount=from=${moving},target=/t --mount=type=cache,target=/c ["/tool", "copy", "/t/message", "/n"]`,
    `ONBUILD COPY --from=${moving} /message /om`,
  ];
  return fc.oneof(
    { weight: 80, arbitrary: fc.constantFrom(...usual) },
    { weight: 40, arbitrary: fc.constantFrom(...flags) },
    { weight: 20, arbitrary: fc.constantFrom(...documents) },
    { weight: 30, arbitrary: fc.constantFrom(...words) },
    { weight: 30, arbitrary: fc.constantFrom(...elsewhere) },
    { weight: 2, arbitrary: fc.constantFrom(...downloads) },
  );
}

function dockerfile(sources: TestSources) {
  const { base, moving } = sources;
  const head = fc.constantFrom('', '', '', '\uFEFF', '# a comment\n', '# escape=`\n', '#check=skip=all\n');
  const from = fc.constantFrom(
    `FROM ${base}`,
    `FROM ${base} AS one`,
    `ARG B=${base}\nFROM $B`,
    `FROM ${moving} AS two`,
    `FROM ${base} AS one\nCOPY . /\nFROM ${base}\nCOPY --from=one / /one/`,
    `FROM ${base} AS one\nONBUILD COPY . /left\nFROM one`,
    `ARG M="${moving}"\nFROM --platform=linux/amd64 \${M} AS m`,
  );
  return fc
    .tuple(head, from, fc.array(instruction(sources), { minLength: 1, maxLength: 4 }))
    .map(([start, first, rest]) => {
      const text = `${start}${[first, ...rest].join('\n')}\n`;
      return text.includes('escape=`') ? text.replaceAll('\\\n', '`\n') : text;
    });
}

type Change = (build: TestBuild, pick: number) => TestBuild;

function changeEntry(edit: (entry: TestEntry) => TestEntry): Change {
  return (build, pick) => {
    const paths = Object.keys(build.entries);
    const at = paths[pick % paths.length] ?? '';
    const found = build.entries[at];
    if (!found) return build;
    const changed = edit(found);
    // What lies in a folder goes with it.
    const rest = Object.entries(build.entries).filter(
      ([path]) => changed.kind === 'folder' || !path.startsWith(`${at}/`),
    );
    return { ...build, entries: { ...Object.fromEntries(rest), [at]: changed } };
  };
}

const changes: Readonly<Record<string, Change>> = {
  nothing: (build) => build,
  touch: (build) => build,
  content: changeEntry((found) => (found.kind === 'file' ? { ...found, content: `${found.content}+` } : found)),
  mode: changeEntry((found) => (found.kind === 'link' ? found : { ...found, mode: found.mode ^ 0o020 })),
  link: changeEntry((found) =>
    found.kind === 'link' ? { kind: 'link', to: `${found.to}x` } : { kind: 'link', to: 'a' },
  ),
  kind: changeEntry((found) =>
    found.kind === 'file' ? { kind: 'folder', mode: 0o755 } : { kind: 'file', content: '', mode: 0o644 },
  ),
  removed: (build, pick) => {
    const paths = Object.keys(build.entries);
    const gone = paths[pick % paths.length];
    return { ...build, entries: Object.fromEntries(Object.entries(build.entries).filter(([at]) => at !== gone)) };
  },
  added: (build, pick) => {
    const at = [...names, ...moreNames.map((last) => `docs/${last}`)][pick % (names.length + moreNames.length)] ?? 'a';
    return { ...build, entries: withEntry(build.entries, at, { kind: 'file', content: 'new', mode: 0o644 }) };
  },
  'dockerignore line': (build, pick) => {
    const [at = '.dockerignore'] = Object.keys(build.ignore);
    const line = ['docs', '*.md', '!README.md', '**', 'src'][pick % 5];
    return { ...build, ignore: { [at]: `${build.ignore[at] ?? ''}${line}\n` } };
  },
  'build argument': (build, pick) => ({ ...build, buildArgs: { V: `changed ${pick % 3}` } }),
  Dockerfile: (build) => ({ ...build, dockerfile: `${build.dockerfile}LABEL changed=1\n` }),
  // The tag and the file elsewhere move in any case; these cases change nothing besides.
  elsewhere: (build) => build,
};

/** A case: a change here where nothing moves elsewhere, or nothing but that. */
export function testCase(sources: {
  readonly still: TestSources;
  readonly moves: TestSources;
}): fc.Arbitrary<TestCase> {
  const still = dockerfile(sources.still);
  const build = fc.record({
    entries: tree,
    ignore,
    buildArgs: fc.constantFrom<Record<string, string>>({}, { V: '1' }),
  });
  const kinds = Object.keys(changes).filter((kind) => kind !== 'elsewhere');
  const here = fc
    .tuple(build, still, fc.constantFrom('nothing', 'touch', 'touch', ...kinds), fc.nat(1_000))
    .map(([found, text, kind, pick]) => caseOf({ ...found, dockerfile: text }, kind, pick));
  const elsewhere = fc
    .tuple(build, dockerfile(sources.moves), fc.nat(1_000))
    .map(([found, text, pick]) => caseOf({ ...found, dockerfile: text }, 'elsewhere', pick));
  return fc.oneof({ weight: 5, arbitrary: here }, { weight: 1, arbitrary: elsewhere });
}

function caseOf(before: TestBuild, change: string, pick: number): TestCase {
  const after = changes[change]?.(before, pick) ?? before;
  return { before, after, change, touch: change === 'touch' };
}

/** Writes a context; names that this file system takes for one another are written once. */
export async function writeContext(folder: string, build: TestBuild, touch: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  const modes: [string, number][] = [];
  for (const [at, found] of Object.entries(build.entries)) {
    const to = join(folder, at);
    await mkdir(dirname(to), { recursive: true });
    if (found.kind === 'folder') await mkdir(to, { recursive: true });
    if (found.kind === 'file') await writeFile(to, found.content);
    if (found.kind === 'link') await symlink(found.to, to);
    if (found.kind !== 'link') modes.push([to, found.mode]);
  }
  for (const [at, text] of Object.entries(build.ignore)) await writeFile(join(folder, at), text);
  await writeFile(join(folder, 'Dockerfile'), build.dockerfile);
  for (const [at, mode] of modes) await chmod(at, mode);
  if (!touch) return;
  // Written by another name, of another owner, at another time: a build must not see any of it.
  for (const [at, mode] of modes.filter((_, index) => index % 2 === 0)) {
    await rename(at, `${at}~`);
    await rename(`${at}~`, at);
    await lchown(at, 12, 34);
    await chmod(at, mode);
    await utimes(at, 1_000, 1_000);
  }
}
