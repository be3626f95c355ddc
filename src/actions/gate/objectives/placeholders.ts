import { type Part, shown } from './findings.ts';

/** What placeholders of documents stand for. */
export type PlaceholderValues = ReadonlyMap<string, string>;

/** How a format writes placeholders. */
export interface PlaceholderSyntax {
  /** With one group, the name; global. */
  readonly pattern: RegExp;
  /** What the user writes for it: `objectives-values`, with this before the equals sign. */
  readonly nameOf?: (written: string) => string;
}

/** `{{args.service-name}}` of Argo Rollouts. */
export const argoPlaceholders: PlaceholderSyntax = { pattern: /\{\{ {0,9}args\.([\w.-]{1,100}) {0,9}\}\}/g };
/** `{{ namespace }}`, `{{ variables.name }}` of Flagger, and `{{.name}}` of Go's templates. */
export const goPlaceholders: PlaceholderSyntax = { pattern: /\{\{-? {0,9}\.?([\w.-]{1,100}) {0,9}-?\}\}/g };
/** `$SERVICE`, `$LABEL.build` of Keptn. */
export const keptnPlaceholders: PlaceholderSyntax = { pattern: /\$(LABEL\.[\w-]{1,100}|[A-Za-z_]\w{0,99})/g };

/** What a template of another kind looks like: actions of Go's templates, of Helm. */
const leftOver = /\{\{.{0,200}?\}\}/s;

/** A text with the values of its placeholders; undefined, and told, where one has none. */
export function fillIn(
  text: string,
  { pattern }: PlaceholderSyntax,
  values: PlaceholderValues,
  { about, findings: { problems } }: Pick<Part, 'about' | 'findings'>,
): string | undefined {
  const unknown = new Set<string>();
  const filled = text.replaceAll(pattern, (written: string, name: string) => {
    const value = values.get(name);
    if (value === undefined) unknown.add(name);
    return value ?? written;
  });
  for (const name of unknown)
    problems.push(`${about}: nothing says what "${name}" stands for; give "objectives-values: ${name}=VALUE"`);
  const left = unknown.size === 0 ? leftOver.exec(filled)?.[0] : undefined;
  if (left !== undefined)
    problems.push(
      `${about}: "${shown(left)}" is a template that Sluice does not read; give the file as it is rendered`,
    );
  return unknown.size === 0 && left === undefined ? filled : undefined;
}
