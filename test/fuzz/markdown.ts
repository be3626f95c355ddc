import { createForgeryCheck, hostileText } from '../support/hostile-markdown.ts';
import { places } from '../support/markdown-places.ts';
import type { Reader } from './reader.ts';

/** Everything that is written as Markdown, with texts of others in it that try to be more than text. */
export const markdownReaders: readonly Reader[] = Object.entries(places).map(([name, place]) => {
  const check = createForgeryCheck(place);
  return {
    name: `Markdown: ${name}`,
    cases: hostileText,
    share: 2,
    read(text) {
      const forged = check(String(text));
      if (forged !== undefined) throw new Error(forged);
    },
  };
});
