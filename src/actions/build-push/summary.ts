import { formatDuration } from '../../core/duration.ts';
import type { SluiceError } from '../../core/errors.ts';
import { block, bold, code, details, plain, table } from '../../report/markdown.ts';
import { type BuildResult, references } from './outputs.ts';

/** The job summary of a build: the image and its tags first, then how to verify it and the slowest steps. */
export function buildSummary(result: BuildResult, { dryRun }: { readonly dryRun: boolean }): string {
  const { outcome, repositories, version } = result;
  const name = plain(repositories[0]?.name ?? 'image');
  const tags = references(result).map((reference) => `- ${code(reference)}`);
  if (dryRun) {
    const what = outcome.skipped ? 'This content is in the registry: nothing would be built.' : 'It would be built.';
    return `## 📝 Dry run: ${name}\n\n**${what} Nothing was changed.**\n\n${tags.join('\n')}\n`;
  }
  const headline = outcome.skipped ? '⏭️ Unchanged' : outcome.digest === undefined ? '✅ Built' : '✅ Built and pushed';
  const rows = [
    ['Image', outcome.digest === undefined ? 'not pushed' : code(`${repositories[0]?.name}@${outcome.digest}`)],
    ['Version', version === undefined ? '' : code(version)],
    ['Platforms', outcome.platforms.map(code).join(', ')],
    ['Size', outcome.size === undefined ? '' : megabytes(outcome.size)],
    ['Provenance', outcome.provenance ? 'attested' : 'none'],
    ['SBOM', outcome.sbom ? 'attested' : 'none'],
    ['Signature', outcome.signed ? 'cosign' : 'none'],
  ].filter(([, value]) => value !== '');
  const parts = [
    `## ${headline}: ${name}`,
    outcome.skipped ? '**This content was in the registry already; only tags were put.**' : '',
    table(['', ''], rows),
    tags.length === 0 || outcome.digest === undefined ? '' : `### Tags\n\n${tags.join('\n')}`,
    verification(result),
    outcome.slowest.length === 0 ? '' : details('Slowest steps', slowestTable(result)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

export function failureSummary({ about, problem, next }: SluiceError): string {
  const [first = '', ...rest] = problem.split('\n');
  const lines = rest.join('\n').trimEnd();
  const detail = lines === '' ? '' : `\n\n${block('text', lines)}`;
  return `## ⛔ No image\n\n${bold(`${about}: ${first}`)}${detail}\n\n${plain(next)}\n`;
}

function slowestTable({ outcome }: BuildResult): string {
  const rows = outcome.slowest.map(({ name, milliseconds }) => [code(name), formatDuration(milliseconds)]);
  return table(['Step', 'Time'], rows);
}

function verification({ outcome, repositories, verifySignature }: BuildResult): string {
  if (outcome.digest === undefined || !(outcome.provenance || outcome.sbom || outcome.signed)) return '';
  const image = `${repositories[0]?.name}@${outcome.digest}`;
  const look = (what: string) => `docker buildx imagetools inspect ${image} --format '{{ json .${what} }}'`;
  const commands = [
    ...(outcome.provenance ? [look('Provenance')] : []),
    ...(outcome.sbom ? [look('SBOM')] : []),
    ...(verifySignature === undefined ? [] : [verifySignature]),
  ];
  return details('How to verify', block('sh', commands.join('\n')));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}
