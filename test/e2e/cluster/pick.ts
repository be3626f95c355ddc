/** Some cases of a table, by their names. */
export function pick<Name extends string, Case>(
  cases: Readonly<Record<Name, Case>>,
  ...names: readonly Name[]
): [Name, Case][] {
  return names.map((name) => [name, cases[name]]);
}
