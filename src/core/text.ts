const esc = String.fromCodePoint(0x1b);
const bell = String.fromCodePoint(7);
/** Sequences by which a terminal changes colours, moves the cursor, sets a title or makes a link. */
const terminalSequence = new RegExp(`${esc}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${esc}${bell}]*(?:${bell}|${esc}\\\\)?)`, 'g');
const lineBreaks = /[\r\n\v\f\u0085\u2028\u2029]+/;
/** Control characters, and format characters that reverse or hide their neighbours. */
const invisible = /[\p{Cc}\p{Cf}]/gu;

/**
 * A text from outside as one line that shows all its content: without line breaks, control and format characters and terminal
 * sequences. Linear in the length of any text.
 */
export function singleLine(text: string): string {
  const lines = text.replaceAll(terminalSequence, '').split(lineBreaks);
  const shown = lines.map((line) => line.replaceAll('\t', ' ').replaceAll(invisible, ''));
  if (shown.length === 1) return shown[0] ?? '';
  return shown
    .map((line, index) => (index === 0 ? line.trimEnd() : line.trim()))
    .filter((line) => line !== '')
    .join(' ');
}

/** The beginning of a text from outside, as one line of at most `most` characters, with `…` if something was cut off. */
export function excerpt(text: string, most: number): string {
  // Reads only the first part of a long text, with room for the terminal sequences that are removed.
  const line = singleLine(text.slice(0, most * 4));
  return line.length > most || text.length > most * 4 ? `${line.slice(0, most - 1).trimEnd()}…` : line;
}

/** A text without these characters at its end. A regular expression (`/x+$/`) would take quadratic time. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** The most characters of a program's or a server's message that are searched for known words. */
const LONGEST_SAID = 10_000;

/** The beginning and the end of a message from outside, short enough to search for known words. */
export function endsOf(text: string): string {
  if (text.length <= LONGEST_SAID) return text;
  return `${text.slice(0, LONGEST_SAID / 2)} … ${text.slice(-LONGEST_SAID / 2)}`;
}

/** A text as a part of a URL. JSON can hold lone surrogates, which a URL can't. */
export function inAddress(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** The first line of a text, shortened for a person to read. */
export function firstLine(text: string): string {
  return shorten(text.trim().split('\n')[0] ?? '');
}

/** The last line of a text, shortened for a person to read. */
export function lastLine(text: string): string {
  return shorten(text.trim().split('\n').at(-1) ?? '');
}

function shorten(line: string): string {
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
