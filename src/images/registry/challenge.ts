/** A challenge of a registry: https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`^(?:\\s*,)?\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);
const schemeStart = new RegExp(`^(?:\\s*,)?\\s*(${token})(?:\\s+|$)(?!=)`);

/** The challenges in a header, in order; ends at the first that cannot be read. */
export function parseChallenges(header: string | readonly string[] | undefined): Challenge[] {
  let rest = [header ?? []].flat().join(', ');
  const challenges: Challenge[] = [];
  while (rest.trim() !== '') {
    const [start, scheme] = schemeStart.exec(rest) ?? [];
    if (start === undefined || scheme === undefined) return challenges;
    rest = rest.slice(start.length);
    const parameters: Record<string, string> = {};
    for (;;) {
      const [text, name, quoted, bare] = parameter.exec(rest) ?? [];
      if (text === undefined || name === undefined) break;
      parameters[name.toLowerCase()] = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '';
      rest = rest.slice(text.length);
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
