import { parseDuration } from '../../../core/duration.ts';
import { excerpt } from '../../../core/text.ts';
import { wrong } from '../../../runner/input-types.ts';

/** How many of the pods are hit. */
type Mode =
  | { readonly kind: 'one' }
  | { readonly kind: 'all' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly percent: number };

/** What a fault is aimed at. */
export type On = { readonly selector: string } | { readonly kind: string; readonly name: string };

/** A fault in its short form, split into its parts. */
export interface ShortForm {
  /** As it is shown in logs and reports, with single blanks. */
  readonly text: string;
  readonly kind: string;
  /** What stands between the kind and "on", without the settings. */
  readonly words: readonly string[];
  /** Settings by their names: `correlation 25`. */
  readonly settings: ReadonlyMap<string, string>;
  readonly on: On | undefined;
  readonly namespace: string | undefined;
  readonly mode: Mode | undefined;
  /** Milliseconds; undefined where none is given. */
  readonly lasts: number | undefined;
}

/** What the reader of a line has to know of a kind. */
export interface FormOfKind {
  /** Names of settings, each followed by a value. */
  readonly settings: readonly string[];
  /** A line that is right. */
  readonly example: string;
}

/** Characters that are shown of a wrong line, and of what is wrong with it, which quotes it. */
const [SHOWN, LONGEST] = [200, 500];

/** Refuses a line. `problem` is the rest of a sentence that begins with it. */
export function wrongLine(line: string, problem: string, example: string): never {
  return wrong(`"${excerpt(line, SHOWN)}" ${excerpt(problem, LONGEST)}; for example: ${example}.`);
}

const objectForm =
  /^(deployment|statefulset|service|node|virtualservice|httproute)\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)$/;

/**
 * `KIND [WORD …] [SETTING VALUE …] [on SELECTOR|KIND/NAME] [one|all|N|N%] [in NAMESPACE] [for DURATION]`. A selector with blanks stands in
 * quotes. Refuses a line by `wrong`.
 */
export function readShortForm(line: string, formOf: (kind: string) => FormOfKind): ShortForm {
  const [kind = '', ...rest] = tokensOf(line);
  const { settings: known, example } = formOf(kind);
  const refuse = (problem: string) => wrongLine(line, problem, example);
  const tokens = rest.values();
  const words: string[] = [];
  const settings = new Map<string, string>();
  let on: On | undefined;
  let namespace: string | undefined;
  let mode: Mode | undefined;
  let lasts: number | undefined;
  for (const token of tokens) {
    const once = (before: unknown, name = token) => before === undefined || refuse(`has "${name}" twice`);
    const value = () => tokens.next().value ?? refuse(`ends with "${token}"`);
    const found = on && readMode(token);
    if (token === 'on') {
      once(on);
      on = readOn(value(), refuse);
    } else if (token === 'in') {
      once(namespace);
      namespace = readNamespace(value(), refuse);
    } else if (token === 'for') {
      once(lasts);
      lasts = readTime(value(), refuse);
    } else if (known.includes(token)) {
      once(settings.get(token));
      settings.set(token, value());
    } else if (found) {
      once(mode, 'one, all, N or N%');
      mode = found;
    } else if (on) refuse(`has "${token}" after "on", and that is not one, all, N, or N% up to 100%`);
    else words.push(token);
  }
  return { text: [kind, ...rest].map(quoted).join(' '), kind, words, settings, on, namespace, mode, lasts };
}

type Refuse = (problem: string) => never;

function tokensOf(line: string): string[] {
  const parts = /"([^"]*)"|'([^']*)'|([^\s"']+)/g;
  if (line.replaceAll(parts, '').trim() !== '')
    wrong(`"${excerpt(line, SHOWN)}" has a quotation mark without its other one.`);
  return [...line.matchAll(parts)].map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

/** A token holds quotation marks of one kind at most: the line had the other one around it. */
function quoted(token: string): string {
  if (token.includes('"')) return `'${token}'`;
  return token === '' || /[\s']/.test(token) ? `"${token}"` : token;
}

function readOn(text: string, refuse: Refuse): On {
  const [, kind, name] = objectForm.exec(text) ?? [];
  if (kind !== undefined && name !== undefined) return { kind, name };
  if (/^[\w./!=,() -]+$/.test(text) && /[=!(]|^\w/.test(text) && !/^[a-z]+\/[^=]*$/.test(text))
    return { selector: text };
  return refuse(`is on "${text}", which is neither a label selector such as app=checkout nor deployment/NAME`);
}

function readNamespace(text: string, refuse: Refuse): string {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
    ? text
    : refuse(`is in "${text}", which can't be the name of a namespace (a selector with blanks stands in quotes)`);
}

function readTime(text: string, refuse: Refuse): number {
  return parseDuration(text) || refuse(`lasts for "${text}", which is no duration such as 60s or 5m`);
}

function readMode(token: string): Mode | undefined {
  if (token === 'one' || token === 'all') return { kind: token };
  const [, digits = '', percent] = /^([1-9]\d{0,4})(%)?$/.exec(token) ?? [];
  if (digits === '') return undefined;
  if (percent === undefined) return { kind: 'count', count: Number(digits) };
  return Number(digits) <= 100 ? { kind: 'share', percent: Number(digits) } : undefined;
}
