import { parseJson } from '../core/json.ts';
import { type Instruction, parseDockerfile, readInstruction, wordsOf } from './dockerfile-syntax.ts';

/** What a Dockerfile takes from elsewhere than its context. */
export interface Outside {
  /** References of images, each once: those of FROM, of `--from`, and the frontend of `# syntax`. */
  readonly images: readonly string[];
  /** What can't be known before the build, as sentences: a base that only the build can name, a download. */
  readonly unknown: readonly string[];
}

type Arguments = ReadonlyMap<string, string>;

/**
 * Finds what else than the context goes into a build. Images of stages that the target does not use are named as well: too
 * many are harmless. What can't be read as BuildKit reads it is `unknown`.
 *
 * @param buildArgs as the user gives them
 * @param platforms that are asked for; where there are none, the builder's own can't be known
 */
export function outsideOf(
  dockerfile: string,
  buildArgs: Readonly<Record<string, string>>,
  platforms: readonly string[] = [],
): Outside {
  const { instructions, syntax, unknown } = parseDockerfile(dockerfile);
  const found = instructions.flatMap(withTrigger);
  const stages = stagesOf(instructions);
  const environments = (platforms.length === 0 ? [undefined] : platforms).map((platform) =>
    globalArguments(instructions, buildArgs, platform),
  );
  const named = [
    ...environments.flatMap((args) => basesOf(instructions, args)),
    ...found.flatMap(sourcesOf).filter((name) => !isStage(name, stages)),
  ];
  const frontends = frontendsOf(syntax, buildArgs);
  const images = named.filter((name) => name !== 'scratch' && !isOdd(name));
  return {
    images: [...new Set([...frontends, ...images])],
    unknown: [
      ...unknown,
      ...new Set(named.filter(isOdd).map((name) => `${name} is known to the build only.`)),
      ...found.filter(downloads).map(({ text }) => `${text} downloads something without a checksum.`),
    ],
  };
}

/** The images that read a Dockerfile; an argument goes before the line: https://docs.docker.com/build/buildkit/frontend/ */
export function frontendsOf(syntax: string | undefined, buildArgs: Readonly<Record<string, string>>): string[] {
  return [syntax, buildArgs.BUILDKIT_SYNTAX?.trim().split(/\s/)[0]].flatMap((name) => name ?? []);
}

/** Whether instructions that a base image has left (ONBUILD) take nothing from elsewhere than the context. */
export function triggersAreLocal(triggers: readonly string[]): boolean {
  const { images, unknown } = outsideOf(['FROM scratch', ...triggers].join('\n'), {});
  return images.length === 0 && unknown.length === 0;
}

/** An instruction, and the one that it leaves for others: `ONBUILD COPY …`. */
function withTrigger(instruction: Instruction): Instruction[] {
  if (instruction.keyword !== 'onbuild') return [instruction];
  return [instruction, ...withTrigger(readInstruction(instruction.rest).instruction)];
}

/** Names of all stages. */
function stagesOf(instructions: readonly Instruction[]): ReadonlySet<string> {
  return new Set(instructions.flatMap((instruction) => stageName(instruction) ?? []));
}

function stageName({ keyword, rest }: Instruction): string | undefined {
  const [, name] = (keyword === 'from' && /^\S+\s+as\s+(\S+)\s*$/i.exec(rest)) || [];
  return name?.toLowerCase();
}

/** A name or a number: `--from=build`, `--from=0`. */
function isStage(name: string, stages: ReadonlySet<string>): boolean {
  return stages.has(name.toLowerCase()) || /^\d+$/.test(name);
}

/** What FROM names, where that is no stage. A stage may have the name of an image; only those above it are meant. */
function basesOf(instructions: readonly Instruction[], args: Arguments): string[] {
  const above = new Set<string>();
  return instructions.flatMap((instruction) => {
    if (instruction.keyword !== 'from') return [];
    const [written = ''] = instruction.rest.split(/\s+/);
    const base = expand(written, args);
    const bases = base !== undefined && above.has(base.toLowerCase()) ? [] : [base ?? written];
    const name = stageName(instruction);
    if (name !== undefined) above.add(name);
    return bases;
  });
}

/** What only the build can read. */
function isOdd(name: string): boolean {
  return name === '' || /[\s$"'`\\{}]/.test(name);
}

/** `--from=NAME` of COPY and ADD, and `--mount=…,from=NAME` of RUN. */
function sourcesOf({ keyword, flags }: Instruction): string[] {
  if (keyword === 'copy' || keyword === 'add') return flags.flatMap((flag) => /^--from=(.*)$/i.exec(flag)?.[1] ?? []);
  if (keyword !== 'run') return [];
  const mounts = flags.flatMap((flag) => /^--mount=(.*)$/i.exec(flag)?.[1] ?? []);
  return mounts.flatMap((mount) => mount.split(',').flatMap((field) => /^\s*from=(.*)$/i.exec(field)?.[1] ?? []));
}

/** ADD of a URL or a Git repository without a checksum may give something else tomorrow. */
function downloads({ keyword, flags, rest }: Instruction): boolean {
  if (keyword !== 'add') return false;
  const pinned = flags.some((flag) => /^--checksum=[^$]+$/.test(flag)) && !flags.includes('--keep-git-dir=true');
  const words = jsonWords(rest) ?? rest.split(/\s+/);
  return !pinned && !words.slice(0, -1).every(isLocal);
}

/** False also for what only the build can tell: a variable may hold an address. */
function isLocal(source: string): boolean {
  return !/[:$"'`\\]/.test(source) && !source.startsWith('github.com/');
}

function jsonWords(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const words: unknown = parseJson(rest);
    return Array.isArray(words) ? words.map(String) : undefined;
  } catch {
    // Not JSON, so the words are those between the blanks.
    return undefined;
  }
}

/** The ARGs before the first FROM, of which alone FROM may make use, and what BuildKit says of the platform. */
function globalArguments(
  instructions: readonly Instruction[],
  buildArgs: Readonly<Record<string, string>>,
  platform: string | undefined,
): Arguments {
  const ofPlatform = Object.entries(platformArguments(platform));
  const args = new Map(ofPlatform.map(([name, value]) => [name, buildArgs[name] ?? value]));
  const first = instructions.findIndex(({ keyword }) => keyword === 'from');
  for (const { keyword, rest } of instructions.slice(0, Math.max(first, 0))) {
    if (keyword !== 'arg') continue;
    for (const word of wordsOf(rest) ?? []) {
      const [, name = '', byDefault] = /^(\w+)(?:=(.*))?$/s.exec(word) ?? [];
      const value = Object.hasOwn(buildArgs, name) ? buildArgs[name] : byDefault && expand(byDefault, args);
      if (value !== undefined) args.set(name, value);
      // A default that can't be read: what was known before is not what the build takes.
      else if (byDefault !== undefined) args.delete(name);
    }
  }
  return args;
}

/** https://docs.docker.com/build/building/variables/#multi-platform-build-arguments */
function platformArguments(platform = ''): Record<string, string> {
  // Others are brought into another form by BuildKit.
  const [, os, arch, variant = ''] =
    /^(\w+)\/(amd64|arm64|386|ppc64le|s390x|riscv64|arm)(?:\/(v[67]))?$/.exec(platform) ?? [];
  if (os === undefined || arch === undefined || (arch === 'arm') !== (variant !== '')) return {};
  return { TARGETPLATFORM: platform, TARGETOS: os, TARGETARCH: arch, TARGETVARIANT: variant };
}

/** `'text'`, or what may hold variables. */
const pieces = /'([^']*)'|"([^"\\]*)"|([^'"\\]+)/g;

/** Takes quotes away and fills in variables; undefined where the value is not known. */
function expand(text: string, args: Arguments): string | undefined {
  if (text.replace(pieces, '') !== '') return undefined;
  const values = [...text.matchAll(pieces)].map(([, literal, quoted, bare]) =>
    literal === undefined ? fillIn(quoted ?? bare ?? '', args) : literal,
  );
  const value = values.includes(undefined) ? undefined : values.join('');
  return value !== undefined && /[$`{}\\"']/.test(value) ? undefined : value;
}

/** Fills in `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`. */
function fillIn(text: string, args: Arguments): string | undefined {
  let known = true;
  const value = text.replaceAll(/\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^}]*))?\})/g, (_, bare, name, operator, word) => {
    const found = args.get(bare ?? name);
    const isSet = operator?.startsWith(':') ? found !== undefined && found !== '' : found !== undefined;
    if (operator?.endsWith('-')) return isSet ? (found ?? '') : word;
    if (operator?.endsWith('+')) return isSet ? word : '';
    if (found === undefined) known = false;
    return found ?? '';
  });
  return known ? value : undefined;
}
