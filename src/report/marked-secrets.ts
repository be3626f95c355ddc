const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&#124;': '|' };

/**
 * A text without what `markdown.ts` puts into one, in whatever word: escapes, the marks of code, and blanks beside those.
 * `starts` and `ends` say where each character of it stands in the text.
 */
function bareOf(text: string): { readonly bare: string; readonly starts: number[]; readonly ends: number[] } {
  let bare = '';
  const starts: number[] = [];
  const ends: number[] = [];
  let done = 0;
  const take = (to: number) => {
    bare += text.slice(done, to);
    for (; done < to; done += 1) {
      starts.push(done);
      ends.push(done + 1);
    }
  };
  for (const { 0: found, index } of text.matchAll(/[\\`\s\u200b]+|<\/?code>|&(?:amp|lt|gt|#124|#92);/g)) {
    take(index);
    const character = entities[found];
    done = index + found.length;
    if (character === undefined) continue;
    bare += character;
    starts.push(index);
    ends.push(done);
  }
  take(text.length);
  return { bare, starts, ends };
}

/** The secret may look like an entity or a mark itself, and stands in code as it is. */
export function bareSpellings(secret: string): string[] {
  return [bareOf(secret).bare, secret.replaceAll(/[\\`\s\u200b]/g, '')];
}

/** The text without secrets that Markdown has marks within. The marks of code stay, as each has another one that it goes with. */
export function withoutMarked(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text;
  const { bare, starts, ends } = bareOf(text);
  const found = secrets.flatMap((secret) => placesOf(secret, bare)).toSorted((a, b) => a.from - b.from);
  let result = '';
  let done = 0;
  for (const { from, to } of found) {
    const [start = 0, end = 0] = [starts[from], ends[to - 1]];
    if (end <= done) continue;
    const hidden = text.slice(Math.max(start, done), end);
    const marks = hidden.match(/`+|<\/?code>/g) ?? [];
    result += `${text.slice(done, Math.max(start, done))}***${marks.map((mark) => `${mark}***`).join('')}`;
    done = end;
  }
  return result + text.slice(done);
}

function placesOf(secret: string, text: string): { readonly from: number; readonly to: number }[] {
  const places = [];
  for (let from = text.indexOf(secret); from !== -1; from = text.indexOf(secret, from + secret.length))
    places.push({ from, to: from + secret.length });
  return places;
}
