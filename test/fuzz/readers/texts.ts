import fc from 'fast-check';
import { asJson } from '../../../src/core/json.ts';
import { excerpt, firstLine, lastLine, singleLine } from '../../../src/core/text.ts';
import { adviceOf } from '../../../src/report/copyable.ts';
import { parseDeployReport, renderDeploySummary } from '../../../src/report/deploy.ts';
import { diffOf } from '../../../src/report/diff.ts';
import { parseHelmReport, renderHelmSummary } from '../../../src/report/helm.ts';
import { block, code, details, joined, plain, table } from '../../../src/report/markdown.ts';
import { parseOutcomes } from '../../../src/report/release.ts';
import { oneLine, withoutCommands } from '../../../src/runner/log-text.ts';
import { outputValue } from '../../../src/runner/outputs.ts';
import { createRedact } from '../../../src/runner/redact.ts';
import { nearly, nearlyJson, nearlyJsonText } from '../generators.ts';
import { ofText, type Reader } from '../reader.ts';

const hostile = nearly(
  'https://a.example/x?y=[z](w) <b> `code` | @user #1',
  '![x](https://evil.example/p.png)',
  'https://_/[x](https://evil.example)',
  '<details>\n<summary>x</summary>\n\n```\n~~~\n$$a$$\n',
);

export const textReaders: readonly Reader[] = [
  ofText('text in Markdown', hostile, (text) =>
    joined([table([plain(text)], [[code(text), plain(text)]]), details(text, block('diff', text))], 60_000),
  ),
  ofText(
    'line of a log',
    nearly('x  \n y\r\n::add-mask::z', 'a \t b', '\u001b[31mred\u001b]8;;x\u0007##[group]'),
    (text) => [
      oneLine(text),
      withoutCommands(text),
      singleLine(text),
      excerpt(text, 300),
      firstLine(text),
      lastLine(text),
      adviceOf(text),
      outputValue('reason', text),
      outputValue('tags', text),
    ],
  ),
  ofText('text with secrets in it', nearly('password s3cr3t\ntoken=abc', 'a+b%20c"d'), (text) =>
    createRedact([text, 's3cr3t'])(`${text} s3cr3t ${text}`),
  ),
  {
    name: 'diff of an object',
    cases: fc.tuple(
      nearlyJson({ kind: 'ConfigMap', data: { a: 'x\ny\n', b: '1' } }),
      nearlyJson({ kind: 'ConfigMap', data: { a: 'x\nz\n', c: '1' } }),
    ),
    read(value) {
      const [before, after] = Array.isArray(value) ? value : [];
      return diffOf({ object: 'Secret shop/a', action: 'update', before: asJson(before), after: asJson(after) });
    },
  },
  ofText(
    'outcomes of the parts',
    nearlyJsonText({
      build: { outcome: 'success', outputs: { image: 'a', report: '/x' } },
      canary: { outcome: 'skipped' },
    }),
    parseOutcomes,
  ),
  ofText('report of a deploy', nearlyJsonText({ schema: 1, kind: 'deploy', name: 'a', objects: [] }), (text) => {
    const report = unlessUnread(() => parseDeployReport(text));
    return report && renderDeploySummary(report);
  }),
  ofText('report of Helm', nearlyJsonText({ schema: 1, kind: 'helm', release: 'a', writes: [] }), (text) => {
    const report = unlessUnread(() => parseHelmReport(text));
    return report && renderHelmSummary(report);
  }),
];

/** A report that another process has left is read by a function that takes any error for "there is none". */
function unlessUnread<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    return undefined;
  }
}
