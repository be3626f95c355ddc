const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&#124;': '|' };

/**
 * A text without the marks that `markdown.ts` adds inside words: escapes, code marks, and blanks beside those. `starts` and
 * `ends` give the position in the text of each remaining character.
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

/**
 * The spellings of a secret without marks: a secret may itself look like an entity or a mark, and stays unescaped in code.
 */
export function bareSpellings(secret: string): string[] {
  return [bareOf(secret).bare, secret.replaceAll(/[\\`\s\u200b]/g, '')];
}

/** Removes secrets that contain Markdown marks from a text. Code marks stay, because they come in pairs. */
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
