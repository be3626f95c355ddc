const esc = String.fromCodePoint(0x1b);
const bell = String.fromCodePoint(7);
/** What a terminal takes for a colour, a movement of the cursor, a title or a link. */
const terminalSequence = new RegExp(`${esc}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${esc}${bell}]*(?:${bell}|${esc}\\\\)?)`, 'g');
const lineBreaks = /[\r\n\v\f\u0085\u2028\u2029]+/;
/** Control characters, and format characters that turn or hide what stands beside them. */
const invisible = /[\p{Cc}\p{Cf}]/gu;

/**
 * A text of others as one line that shows all that is in it: without line breaks, control and format characters and
 * terminal sequences. Takes time in proportion to the text, whoever wrote it.
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

/** The beginning of a text of others as one line of at most so many characters, with `…` where something was left out. */
export function excerpt(text: string, most: number): string {
  // Only the first part of a long text is read, with room for terminal sequences, which are taken out.
  const line = singleLine(text.slice(0, most * 4));
  return line.length > most || text.length > most * 4 ? `${line.slice(0, most - 1).trimEnd()}…` : line;
}

/** A text without these characters at its end. A regular expression (`/x+$/`) would begin anew at each of them. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Characters of what a program or a server says that are looked at for known words. */
const LONGEST_SAID = 10_000;

/** As much of what others say as a search for known words may take: its beginning and its end. */
export function endsOf(text: string): string {
  if (text.length <= LONGEST_SAID) return text;
  return `${text.slice(0, LONGEST_SAID / 2)} … ${text.slice(-LONGEST_SAID / 2)}`;
}

/** A text as a part of an address. JSON can hold halves of characters, which no address can. */
export function inAddress(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** The first line of a text, with no more of it than a person reads. */
export function firstLine(text: string): string {
  return shorten(text.trim().split('\n')[0] ?? '');
}

/** The last line of a text, with no more of it than a person reads. */
export function lastLine(text: string): string {
  return shorten(text.trim().split('\n').at(-1) ?? '');
}

function shorten(line: string): string {
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
