import type { NamedArms } from '../canary/ports.ts';
import type { Report } from './canary-report-schema.ts';
import { plain } from './markdown.ts';

/** The subject of a release: `shop/checkout 1.0.0 → 1.1.0 (commit 5f70bf1)`; empty where nothing is known. */
export function subjectOf({ subject, run }: Pick<Report, 'subject' | 'run'>): string {
  const commit = run?.commit === undefined ? '' : `(commit ${shortCommit(run.commit)})`;
  return [subject?.name ?? '', versionsText(subject), commit].filter((part) => part !== '').join(' ');
}

/** The same as Markdown; GitHub links the commit if it knows it. */
export function subjectMarkdown({ subject, run }: Pick<Report, 'subject' | 'run'>): string {
  const commit = run?.commit === undefined ? '' : commitMarkdown(run.commit);
  return [plain(subjectOf({ subject })), commit].filter((part) => part !== '').join(' ');
}

/** `(commit 5f70bf1)`, which GitHub makes a link; plain text for anything but a commit id. */
export function commitMarkdown(sha: string): string {
  return `(commit ${/^[0-9a-f]{40}$/.test(sha) ? shortCommit(sha) : plain(shortCommit(sha))})`;
}

/** `1.0.0 → 1.1.0`; empty for a release that changes no image. */
export function versionsText(subject: Partial<NonNullable<Report['subject']>> | undefined): string {
  return subject?.from === undefined ? '' : `${subject.from} → ${subject.to}`;
}

export function shortCommit(sha: string): string {
  return sha.slice(0, 7);
}

/** The workload without its kind, and its two versions. */
export function namedSubject({ stable, versions }: NamedArms): NonNullable<Report['subject']> {
  const name = stable.replace(/^\S+ /, '');
  return versions ? { name, from: versions.stable, to: versions.canary } : { name };
}
