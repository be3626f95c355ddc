/**
 * A query with spaces in place of what stands in quotes, so that its brackets and pipes can be told from those of a text. It is as
 * long as the query.
 *
 * @param quotes the characters that a text may stand in; in backticks, a backslash means itself
 */
export function withoutQuoted(query: string, quotes: string): string {
  let bare = '';
  for (let at = 0; at < query.length; ) {
    const end = quotes.includes(query.charAt(at)) ? endOfQuoted(query, at) : at + 1;
    bare += end > at + 1 ? ' '.repeat(end - at) : query.charAt(at);
    at = end;
  }
  return bare;
}

/** Where a text ends that begins here; the end of the query for one that does not end. */
function endOfQuoted(query: string, start: number): number {
  const quote = query.charAt(start);
  let at = start + 1;
  while (at < query.length && query.charAt(at) !== quote) at += query.charAt(at) === '\\' && quote !== '`' ? 2 : 1;
  return Math.min(at + 1, query.length);
}
