import { DockerfileParser, type From } from 'dockerfile-ast';

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
 * many are harmless.
 *
 * @param buildArgs as the user gives them
 */
export function outsideOf(dockerfile: string, buildArgs: Readonly<Record<string, string>>): Outside {
  const parsed = DockerfileParser.parse(dockerfile);
  const args = globalArguments(parsed.getInitialARGs(), buildArgs);
  const froms = parsed.getFROMs();
  const stages = new Set(froms.flatMap((from) => from.getBuildStage()?.toLowerCase() ?? []));
  const isStage = (name: string) => stages.has(name.toLowerCase()) || /^\d+$/.test(name);
  const named = [
    ...froms.flatMap((from) => baseOf(from, froms, args) ?? []),
    ...[
      ...parsed.getCOPYs().flatMap((copy) => copy.getFromFlag()?.getValue() ?? []),
      ...mountSources(dockerfile),
    ].filter((name) => !isStage(name)),
  ];
  const images = new Set<string>(syntaxOf(dockerfile));
  const unknown = [...downloads(dockerfile)];
  for (const name of named) {
    const image = expand(name, args);
    if (image === undefined || image === '') unknown.push(`${name} is known to the build only.`);
    else if (image !== 'scratch') images.add(image);
  }
  return { images: [...images], unknown };
}

/** What FROM names, where that is no stage. A stage may have the name of an image; only those above it are meant. */
function baseOf(from: From, froms: readonly From[], args: Arguments): string | undefined {
  const image = from.getImage() ?? undefined;
  const name = (image === undefined ? undefined : (expand(image, args) ?? image))?.toLowerCase();
  const line = from.getRange().start.line;
  const isStage = froms.some(
    (other) => other.getRange().start.line < line && other.getBuildStage()?.toLowerCase() === name,
  );
  return isStage ? undefined : image;
}

/** `RUN --mount=type=bind,from=IMAGE,…` */
function mountSources(dockerfile: string): string[] {
  return [...dockerfile.matchAll(/--mount=\S*?\bfrom=([^\s,]+)/g)].flatMap(([, name]) => name ?? []);
}

/** The image that reads the Dockerfile: `# syntax=docker/dockerfile:1`. */
function syntaxOf(dockerfile: string): string[] {
  const [, image] = /^(?:#\s*(?!syntax)\w+\s*=.*\n)*#\s*syntax\s*=\s*(\S+)/i.exec(dockerfile) ?? [];
  return image === undefined ? [] : [image];
}

/** ADD of a URL or a Git repository without a checksum may give something else tomorrow. */
function downloads(dockerfile: string): string[] {
  return DockerfileParser.parse(dockerfile)
    .getInstructions()
    .filter((instruction) => instruction.getKeyword() === 'ADD')
    .map((instruction) => instruction.getTextContent())
    .filter((text) => /(?:^|[\s"[])(?:https?:\/\/|git@|ssh:\/\/)/.test(text) && !/--checksum=/.test(text))
    .map((text) => `${text} downloads something without a checksum.`);
}

/** The ARGs before the first FROM, of which alone FROM may make use. */
function globalArguments(
  declared: ReturnType<ReturnType<typeof DockerfileParser.parse>['getInitialARGs']>,
  buildArgs: Readonly<Record<string, string>>,
): Arguments {
  const args = new Map<string, string>();
  for (const arg of declared) {
    const property = arg.getProperty();
    const name = property?.getName();
    if (name === undefined) continue;
    const byDefault = property?.getValue() ?? undefined;
    const value = buildArgs[name] ?? (byDefault === undefined ? undefined : expand(byDefault, args));
    if (value !== undefined) args.set(name, value);
  }
  return args;
}

/** Fills in `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; undefined where a value is not known. */
function expand(text: string, args: Arguments): string | undefined {
  let known = true;
  const value = text.replaceAll(/\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^}]*))?\})/g, (_, bare, name, operator, word) => {
    const found = args.get(bare ?? name);
    const isSet = operator?.startsWith(':') ? found !== undefined && found !== '' : found !== undefined;
    if (operator?.endsWith('-')) return isSet ? (found ?? '') : word;
    if (operator?.endsWith('+')) return isSet ? word : '';
    if (found === undefined) known = false;
    return found ?? '';
  });
  return known && !value.includes('${') ? value : undefined;
}
