import { expect, it } from 'vitest';
import { formatFilter, parseMatchers } from '../../../../src/sources/alerts/matchers.ts';

it.each([
  ['service="checkout"', ['service="checkout"']],
  [' service = checkout ', ['service="checkout"']],
  ['severity=~"page|critical"', ['severity=~"page|critical"']],
  ['severity=~page|critical', ['severity=~"page|critical"']],
  ['{severity="page", team!~"a.*",}', ['severity="page"', 'team!~"a.*"']],
  ['severity="page",team!="a"', ['severity="page"', 'team!="a"']],
  ['summary="a \\"b\\", c"', ['summary="a \\"b\\", c"']],
  // Both as the classic parser reads it, which Alertmanager takes where the two differ.
  [String.raw`instance=~"10\.0\..*"`, [String.raw`instance=~"10\\.0\\..*"`]],
  [String.raw`instance=~"10\\.0\\..*"`, [String.raw`instance=~"10\\.0\\..*"`]],
  ['"foo.bar"="x"', ['"foo.bar"="x"']],
  ['foo.bar=x', ['"foo.bar"="x"']],
  ['job=""', ['job=""']],
  ['dienst="Größe 🙂"', ['dienst="Größe 🙂"']],
])('%s', (text, filters) => {
  expect(parseMatchers(text).map(formatFilter)).toEqual(filters);
});

it.each([
  ['service==', 'value of service is missing'],
  ['service==checkout', 'value of service is missing'],
  ['service=', 'value of service is missing'],
  ['service', 'comes none of =, !=, =~ and !~'],
  ['service!', 'comes none of'],
  ['="x"', 'a label is missing'],
  ['', 'it is empty'],
  ['{}', 'it is empty'],
  ['{service="x"', 'brace is not closed'],
  ['service="x"}', '"}" is left over'],
  ['alertname=High Error Rate', '"Error Rate" is left over'],
  ['service="x', 'needs double quotes'],
  ["service='x'", 'needs double quotes'],
  ['path=~/a/{id}', '"{id}" is left over'],
  ['severity=~"("', 'regular expression "("'],
])('%s is refused', (text, problem) => {
  expect(() => parseMatchers(text)).toThrow(problem);
});
