import { parseDuration } from '../../../core/duration.ts';
import { wrong } from '../../../runner/input-types.ts';

/** How many of the pods are hit. */
export type Mode =
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
}

const objectForm =
  /^(deployment|statefulset|service|node|virtualservice|httproute)\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)$/;

/**
 * `KIND [WORD …] [SETTING VALUE …] [on SELECTOR|KIND/NAME] [one|all|N|N%] [in NAMESPACE] [for DURATION]`. A selector with blanks stands in
 * quotes. Refuses a line by `wrong`.
 */
export function readShortForm(line: string, formOf: (kind: string) => FormOfKind): ShortForm {
  const tokens = tokensOf(line);
  const [kind = '', ...rest] = tokens;
  const { settings: known } = formOf(kind);
  const words: string[] = [];
  const settings = new Map<string, string>();
  let on: On | undefined;
  let namespace: string | undefined;
  let mode: Mode | undefined;
  let lasts: number | undefined;
  const twice = (what: unknown, name: string) => what !== undefined && wrong(`"${line}" has "${name}" twice.`);
  for (let at = 0; at < rest.length; at += 1) {
    const token = rest[at] ?? '';
    const value = rest[at + 1];
    const needed = () => value ?? wrong(`"${line}" ends with "${token}".`);
    if (token === 'on') {
      twice(on, 'on');
      on = readOn(needed(), line);
      at += 1;
    } else if (token === 'in') {
      twice(namespace, 'in');
      namespace = readNamespace(needed(), line);
      at += 1;
    } else if (token === 'for') {
      twice(lasts, 'for');
      lasts =
        parseDuration(needed()) || wrong(`"${line}" lasts for ${needed()}, which is no duration such as 60s or 5m.`);
      at += 1;
    } else if (known.includes(token)) {
      twice(settings.get(token), token);
      settings.set(token, needed());
      at += 1;
    } else {
      const found = on && readMode(token);
      if (found) {
        twice(mode, 'one, all, N or N%');
        mode = found;
      } else if (on) wrong(`"${line}" has "${token}" after "on", and that is not one, all, N or N%.`);
      else words.push(token);
    }
  }
  return { text: tokens.map(quoted).join(' '), kind, words, settings, on, namespace, mode, lasts };
}

function tokensOf(line: string): string[] {
  const found = [...line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)];
  const rest = line.replaceAll(/"[^"]*"|'[^']*'|[^\s"']+/g, '').trim();
  if (rest !== '') wrong(`"${line}" has a quotation mark without its other one.`);
  return found.map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

function quoted(token: string): string {
  return /\s/.test(token) ? `"${token}"` : token;
}

function readOn(text: string, line: string): On {
  const [, kind, name] = objectForm.exec(text) ?? [];
  if (kind !== undefined && name !== undefined) return { kind, name };
  if (/^[\w./!=,() -]+$/.test(text) && /[=!(]|^\w/.test(text) && !/^[a-z]+\/[^=]*$/.test(text))
    return { selector: text };
  return wrong(
    `"${line}" is on "${text}", which is neither a label selector such as app=checkout nor deployment/NAME.`,
  );
}

function readNamespace(text: string, line: string): string {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
    ? text
    : wrong(`"${line}" is in "${text}", which can't be the name of a namespace.`);
}

function readMode(token: string): Mode | undefined {
  if (token === 'one' || token === 'all') return { kind: token };
  const [, digits = '', percent] = /^([1-9]\d{0,4})(%)?$/.exec(token) ?? [];
  if (digits === '') return undefined;
  if (percent === undefined) return { kind: 'count', count: Number(digits) };
  return Number(digits) <= 100 ? { kind: 'share', percent: Number(digits) } : undefined;
}
