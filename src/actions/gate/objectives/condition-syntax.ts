/** An expression of the language of Argo's conditions (https://expr-lang.org/docs/language-definition), as far as Sluice reads it. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly at: Expression }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly given: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** Characters of one condition, and levels of brackets in it. */
const LONGEST = 1_000;
const DEEPEST = 30;

const tokenPattern =
  /\s*(?:(\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*|#)|(\|\||&&|==|!=|<=|>=|[<>!()[\]{},.+*/-])|("[^"\\]*"|'[^'\\]*'))/y;

/** Operators from the weakest to the strongest, each level from left to right. */
const levels: readonly (readonly string[])[] = [
  ['||', 'or'],
  ['&&', 'and'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/'],
];

/** Undefined for what is not read: texts with a backslash, `in`, `matches`, ternaries, variables. */
export function parseCondition(text: string): Expression | undefined {
  const tokens = tokensOf(text);
  if (!tokens) return undefined;
  const parser = createParser(tokens);
  const expression = parser.binary(0, 0);
  return parser.isAtEnd() ? expression : undefined;
}

function tokensOf(text: string): string[] | undefined {
  if (text.length > LONGEST) return undefined;
  const given = text.trim();
  const tokens: string[] = [];
  const pattern = new RegExp(tokenPattern);
  while (pattern.lastIndex < given.length) {
    const [, number, name, sign, quoted] = pattern.exec(given) ?? [];
    const token = number ?? name ?? sign ?? quoted;
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  return tokens;
}

function createParser(tokens: readonly string[]) {
  let next = 0;

  function take(token: string): boolean {
    if (tokens[next] !== token) return false;
    next += 1;
    return true;
  }

  function binary(level: number, depth: number): Expression | undefined {
    const operators = levels[level];
    if (!operators) return unary(depth);
    let left = binary(level + 1, depth);
    for (
      let operator = tokens[next];
      left && operator !== undefined && operators.includes(operator);
      operator = tokens[next]
    ) {
      next += 1;
      const right = binary(level + 1, depth);
      left = right && { kind: 'binary', operator, left, right };
    }
    return left;
  }

  function unary(depth: number): Expression | undefined {
    if (depth > DEEPEST) return undefined;
    if (take('!') || take('not')) {
      const of = unary(depth + 1);
      return of && { kind: 'not', of };
    }
    if (take('-')) {
      const right = unary(depth + 1);
      return right && { kind: 'binary', operator: '-', left: { kind: 'number', value: 0 }, right };
    }
    return indexed(primary(depth + 1), depth + 1);
  }

  function indexed(of: Expression | undefined, depth: number): Expression | undefined {
    if (of && take('.')) return member(of, depth);
    if (!of || !take('[')) return of;
    const at = binary(0, depth);
    return at && take(']') ? indexed({ kind: 'index', of, at }, depth + 1) : undefined;
  }

  function member(of: Expression, depth: number): Expression | undefined {
    const name = tokens[next] ?? '';
    next += 1;
    return /^[A-Za-z_]/.test(name) ? indexed({ kind: 'member', of, name }, depth + 1) : undefined;
  }

  function primary(depth: number): Expression | undefined {
    const token = tokens[next];
    if (token === undefined || depth > DEEPEST) return undefined;
    next += 1;
    if (token === '(') {
      const inner = binary(0, depth);
      return take(')') ? inner : undefined;
    }
    if (/^[\d.]/.test(token)) return { kind: 'number', value: Number(token.replaceAll('_', '')) };
    if (/^["']/.test(token)) return { kind: 'text', value: token.slice(1, -1) };
    if (!/^[A-Za-z_#]/.test(token)) return undefined;
    return take('(') ? call(token, depth) : { kind: 'name', name: token };
  }

  function call(name: string, depth: number): Expression | undefined {
    const given: Expression[] = [];
    while (!take(')')) {
      if (given.length > 0 && !take(',')) return undefined;
      const isBlock = take('{');
      const one = binary(0, depth);
      if (!one || (isBlock && !take('}'))) return undefined;
      given.push(one);
    }
    return { kind: 'call', name, given };
  }

  return { binary, isAtEnd: () => next === tokens.length };
}
