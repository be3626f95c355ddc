import { STATUS_CODES } from 'node:http';
import { createFilter, escapeRegex, like, type Matcher } from '../series/selector.ts';
import { endingOfGrpc, endingOfStatus, grpcNames, grpcServerErrors, number, phrases, written } from './endings.ts';

/** The form in which an exporter writes statuses. `wrap` replaces the code or class that was seen by another one. */
type Form =
  | { readonly kind: 'code' | 'class'; readonly wrap: (code: string) => string; readonly named: boolean }
  | { readonly kind: 'grpc' }
  | { readonly kind: 'words'; readonly write: readonly ((phrase: string) => string)[] };

const CODES = Array.from({ length: 500 }, (_, index) => String(100 + index));
const failures = [...phrases.failed, ...phrases.unanswered];

/**
 * Whether the matcher can ever match a failed request if the label has such values. Values that have not occurred yet are
 * expected in the same form.
 *
 * @param values Those that were seen.
 */
export function canPick(matcher: Matcher, values: readonly string[]): boolean {
  const picks = (value: string, by: Matcher = matcher) => createFilter([by])({ [by.label]: value });
  if (values.some((value) => picks(value))) return true;
  const forms = values.flatMap((value) => formOf(value, matcher.label) ?? []);
  if (forms.some((form) => examples(form).some((value) => picks(value)))) return true;
  if (forms.some(({ kind }) => kind !== 'words') || values.length === 0) return false;
  // Each exporter has its own words, so a word is known to be wrong only if it is a number, or differs in case.
  const asPattern = matcher.op === '=' ? [matcher, like(matcher.label, matcher.value)] : [matcher];
  const impossible = [...CODES, ...['1', '2', '3', '4', '5'].flatMap((one) => [`${one}xx`, `${one}XX`])];
  if (asPattern.some((by) => impossible.some((value) => picks(value, by)))) return false;
  return forms.length === 0 || !failures.some((phrase) => styles.some((write) => picks(write(phrase))));
}

/** A pattern for failures among statuses of the form that was seen; undefined if the form is unknown. */
export function failurePattern(label: string, values: readonly string[]): string | undefined {
  const failed = values.filter((value) => (endingOfStatus(value) ?? endingOfGrpc(value)) === 'failed');
  const form = values.map((value) => formOf(value, label)).find((one) => one !== undefined);
  if (form === undefined) return undefined;
  switch (form.kind) {
    case 'class':
      return escapeRegex(form.wrap('500'));
    case 'code':
      return `${escapeRegex(form.wrap('500')).replace('500', '5..')}${form.named ? '.*' : ''}`;
    case 'grpc':
      return [...grpcServerErrors].join('|');
    case 'words': {
      const usual = ['error', 'failure', 'failed'].map((word) => form.write[0]?.(word) ?? word);
      return (failed.length > 0 ? failed : usual).map(escapeRegex).join('|');
    }
  }
}

function formOf(value: string, label: string): Form | undefined {
  const text = value.trim();
  if (number.test(text)) {
    const code = Number(text);
    if (code in grpcNames && (code > 0 || /grpc/i.test(label))) return { kind: 'grpc' };
    const tail = /\.0*$/.exec(text)?.[0] ?? '';
    return { kind: 'code', wrap: (other) => `${other}${tail}`, named: false };
  }
  const groups = written.exec(text)?.groups;
  if (groups) {
    const { kind = '', rest = '' } = groups;
    const at = text.lastIndexOf(`${kind}${rest}`);
    const [before, after] = [text.slice(0, at), text.slice(at + 3)];
    if (/\d/.test(rest)) return { kind: 'code', wrap: (code) => `${before}${code}`, named: after !== '' };
    return { kind: 'class', wrap: (code) => `${before}${code[0]}${rest}${after}`, named: false };
  }
  if (endingOfStatus(text) === undefined && endingOfGrpc(text) === undefined) return undefined;
  return { kind: 'words', write: stylesOf(text) };
}

function examples(form: Form): string[] {
  switch (form.kind) {
    case 'code':
      return CODES.map((code) => {
        const reason = form.named ? ` ${STATUS_CODES[code] ?? 'Error'}` : '';
        return `${form.wrap(code)}${reason}`;
      });
    case 'class':
      return ['1', '2', '3', '4', '5'].map(form.wrap);
    case 'grpc':
      return grpcNames.map((_, code) => String(code));
    case 'words': {
      const names = Object.values(STATUS_CODES).flatMap((name) => name?.toLowerCase() ?? []);
      const all = [...Object.values(phrases).flat(), ...names, ...grpcNames];
      return all.flatMap((phrase) => form.write.map((write) => write(phrase)));
    }
  }
}

const joined = (phrase: string, separator: string) => phrase.replaceAll(/[^a-z]+/g, separator);
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const separators = ['_', '-', ' ', ''];
const lower = separators.map((separator) => (phrase: string) => joined(phrase, separator));
const upper = separators.map((separator) => (phrase: string) => joined(phrase, separator).toUpperCase());
const title = separators.map(
  (separator) => (phrase: string) => joined(phrase, ' ').split(' ').map(capital).join(separator),
);
const styles = [...lower, ...upper, ...title];

/** The styles in which an exporter that writes this word writes its other words. */
function stylesOf(word: string): readonly ((phrase: string) => string)[] {
  if (word === word.toLowerCase()) return lower;
  // gRPC for Go writes OK beside NotFound.
  if (word === 'OK') return [...title, ...upper];
  return word === word.toUpperCase() ? upper : title;
}
