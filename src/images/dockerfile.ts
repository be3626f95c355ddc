import { parseJson } from '../core/json.ts';
import { type Instruction, parseDockerfile, readInstruction, wordsOf } from './dockerfile-syntax.ts';

/** The inputs of a Dockerfile from outside of its context. */
export interface Outside {
  /** References of images, each once: from FROM, from `--from`, and the frontend of `# syntax`. */
  readonly images: readonly string[];
  /** Inputs that cannot be known before the build, as sentences: a base that only the build can name, a download. */
  readonly unknown: readonly string[];
}

type Arguments = ReadonlyMap<string, string>;

/**
 * Finds the inputs of a build besides its context. Includes images of stages that the target does not use, which does no harm.
 * Parts that cannot be read the way BuildKit reads them are `unknown`.
 *
 * @param buildArgs from the user
 * @param platforms that are asked for; if empty, the builder's own platform is used, which is not known here
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

/**
 * The images that read a Dockerfile. Both are named, although the build argument overrides the line:
 * https://docs.docker.com/build/buildkit/frontend/
 */
export function frontendsOf(syntax: string | undefined, buildArgs: Readonly<Record<string, string>>): string[] {
  return [syntax, buildArgs.BUILDKIT_SYNTAX?.trim().split(/\s/)[0]].flatMap((name) => name ?? []);
}

/** Whether the ONBUILD instructions of a base image use the context only. */
export function triggersAreLocal(triggers: readonly string[]): boolean {
  const { images, unknown } = outsideOf(['FROM scratch', ...triggers].join('\n'), {});
  return images.length === 0 && unknown.length === 0;
}

/** An instruction, and the instruction inside its ONBUILD: `ONBUILD COPY …`. */
function withTrigger(instruction: Instruction): Instruction[] {
  if (instruction.keyword !== 'onbuild') return [instruction];
  return [instruction, ...withTrigger(readInstruction(instruction.rest).instruction)];
}

/** Names of all stages, in lower case. */
function stagesOf(instructions: readonly Instruction[]): ReadonlySet<string> {
  return new Set(instructions.flatMap((instruction) => stageName(instruction) ?? []));
}

function stageName({ keyword, rest }: Instruction): string | undefined {
  const [, name] = (keyword === 'from' && /^\S+\s+as\s+(\S+)\s*$/i.exec(rest)) || [];
  return name?.toLowerCase();
}

/** A stage is named or numbered: `--from=build`, `--from=0`. */
function isStage(name: string, stages: ReadonlySet<string>): boolean {
  return stages.has(name.toLowerCase()) || /^\d+$/.test(name);
}

/**
 * The images in FROM that are no stages. A stage may have the name of an image, but FROM refers only to stages above it.
 */
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

/** Whether only the build can read a name. */
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

/** Whether ADD downloads a URL or a Git repository without a checksum, so that its content may change. */
function downloads({ keyword, flags, rest }: Instruction): boolean {
  if (keyword !== 'add') return false;
  const pinned = flags.some((flag) => /^--checksum=[^$]+$/.test(flag)) && !flags.includes('--keep-git-dir=true');
  const words = jsonWords(rest) ?? rest.split(/\s+/);
  return !pinned && !words.slice(0, -1).every(isLocal);
}

/**
 * Whether a source is in the context. False where only the build can tell, because a variable may contain an address.
 */
function isLocal(source: string): boolean {
  return !/[:$"'`\\]/.test(source) && !source.startsWith('github.com/');
}

function jsonWords(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const words: unknown = parseJson(rest);
    return Array.isArray(words) ? words.map(String) : undefined;
  } catch {
    // It is no JSON, so the words are separated by blanks.
    return undefined;
  }
}

/**
 * The ARGs before the first FROM, which are the only ones that FROM can use, and BuildKit's arguments for the platform.
 */
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
      // This default cannot be read, and it replaces the value that was known before.
      else if (byDefault !== undefined) args.delete(name);
    }
  }
  return args;
}

/** https://docs.docker.com/build/building/variables/#multi-platform-build-arguments */
function platformArguments(platform = ''): Record<string, string> {
  // BuildKit normalizes other platforms.
  const [, os, arch, variant = ''] =
    /^(\w+)\/(amd64|arm64|386|ppc64le|s390x|riscv64|arm)(?:\/(v[67]))?$/.exec(platform) ?? [];
  if (os === undefined || arch === undefined || (arch === 'arm') !== (variant !== '')) return {};
  return { TARGETPLATFORM: platform, TARGETOS: os, TARGETARCH: arch, TARGETVARIANT: variant };
}

/** `'text'`, or text that may contain variables. */
const pieces = /'([^']*)'|"([^"\\]*)"|([^'"\\]+)/g;

/** Removes quotes and fills in variables; undefined where the value is not known. */
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
  const value = text.replaceAll(/\$(?:(\w+)|\{(\w+)((?::?[-+])[^}]*)?\})/g, (_, bare, name, otherwise = '') => {
    const [, operator = '', word = ''] = /^(:?[-+])([^}]*)$/.exec(otherwise) ?? [];
    const found = args.get(bare ?? name);
    const isSet = operator.startsWith(':') ? found !== undefined && found !== '' : found !== undefined;
    if (operator.endsWith('-')) return isSet ? (found ?? '') : word;
    if (operator.endsWith('+')) return isSet ? word : '';
    if (found === undefined) known = false;
    return found ?? '';
  });
  return known ? value : undefined;
}
