import { buildSummary, failureSummary } from '../../src/actions/build-push/summary.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { type Report, reportSchema } from '../../src/report/canary-report-schema.ts';
import { renderSummary } from '../../src/report/canary-summary.ts';
import { parseDeployReport, renderDeploySummary } from '../../src/report/deploy.ts';
import { drillIssue } from '../../src/report/drill/drill-issue.ts';
import { renderDrill } from '../../src/report/drill/drill-summary.ts';
import { emptyReport } from '../../src/report/empty-report.ts';
import { parseHelmReport, renderHelmSummary } from '../../src/report/helm.ts';
import { bold } from '../../src/report/markdown.ts';
import { releaseReport, renderRelease } from '../../src/report/release.ts';
import { renderTold } from '../../src/report/release-texts.ts';
import { renderRollback, rollbackReportSchema } from '../../src/report/rollback-report.ts';
import { drillWithText } from './drill-story.ts';

const at = 1_000;
const tally = { requests: 10, errors: 1 };

function writes(text: string) {
  return [
    { object: text, action: 'update', diff: `+ a\n${text}\n  b`, weight: 5, later: false },
    { object: text, action: 'delete', diff: text, later: true },
  ];
}

/** All that a report of a canary can contain, with one text in all places that others can influence. */
function canaryReport(text: string): Report {
  const opinion = {
    check: text,
    state: 'breach',
    onBreach: 'rollback',
    progress: 1,
    sentence: text,
    figures: {},
  };
  return reportSchema.parse({
    schema: 1,
    run: {
      id: text,
      startedAt: at,
      by: text,
      plan: text,
      source: text,
      interval: at,
      dryRun: false,
      commit: text,
      commands: { abort: text, approve: text, freeze: text },
    },
    subject: { name: text, from: text, to: text },
    found: { route: text, stable: text, canary: text, revision: text, metrics: text },
    steps: [{ plan: text, weight: 5, enteredAt: at, stable: tally, canary: tally, state: 'breach', evidence: text }],
    weights: [{ at, weight: 5 }],
    points: [{ at, weight: 5, stable: tally, canary: tally, progress: 1 }],
    total: { stable: tally, canary: tally },
    opinions: [opinion, { ...opinion, check: 'other', state: 'unknown', missing: text }],
    breach: { at, weight: 5, opinion },
    pods: [
      {
        pod: text,
        container: text,
        reason: text,
        message: text,
        exitCode: 1,
        lastLines: [text],
        events: [text],
        missing: [],
      },
      { pod: text, reason: text, message: text, lastLines: [], events: [], missing: [text] },
    ],
    notes: [{ at, level: 'warning', text }],
    writes: writes(text),
  });
}

const outcome = { endedAt: at, reached: 5, weight: 5, passed: false };

function canaryPlaces(text: string): string {
  const report = canaryReport(text);
  const told = { reason: text, revision: text, digest: text };
  const failure = {
    endedAt: at,
    code: 'not-found',
    about: text,
    problem: text,
    next: `${text}\n${text}`,
    unchanged: false,
  };
  const left = [{ object: text, shows: text }];
  const bare = { ...emptyReport, subject: report.subject };
  return [
    renderSummary({ ...report, outcome: { ...outcome, ...told, verdict: 'rolled-back' } }),
    renderSummary({ ...bare, outcome: { ...outcome, ...told, verdict: 'held', left } }),
    renderSummary({ ...bare, failure }),
    renderSummary({ ...bare, first: { about: text, deploys: true } }),
    renderSummary({ ...bare, run: report.run }),
  ].join('\n\n');
}

function deployPlaces(text: string): string {
  const report = {
    schema: 1,
    name: text,
    namespace: text,
    by: text,
    digest: text,
    startedAt: at,
    endedAt: at,
    verdict: 'failed',
    reason: `${text} Its last lines: ${text}`,
    next: `${text}\n${text}`,
    objects: [{ object: text, action: 'update', diff: `+ a\n${text}`, state: text, written: true }],
    stuck: [
      { object: text, text, next: text, events: [text], pods: [{ pod: text, text, events: [text], lines: [text] }] },
    ],
    notes: [{ at, text }],
  };
  const { verdict: _, ...refused } = report;
  return [report, refused].map((each) => renderDeploySummary(parseDeployReport(JSON.stringify(each)))).join('\n\n');
}

function helmPlaces(text: string): string {
  const report = {
    schema: 1,
    mode: text,
    release: text,
    by: text,
    endedAt: at,
    verdict: 'failed',
    reason: text,
    next: text,
    refused: false,
    chartDigest: text,
    stable: text,
    canary: text,
    now: { revision: 1, chart: text, chartVersion: text, appVersion: text, manifestDigest: text, resources: [text] },
    writes: writes(text),
    notes: [{ at, level: 'warning', text }],
  };
  return renderHelmSummary(parseHelmReport(JSON.stringify(report)));
}

function rollbackPlaces(text: string): string {
  const version = { number: 1, id: text, images: { a: text, b: text } };
  return renderRollback(
    rollbackReportSchema.parse({
      schema: 1,
      kind: 'rollback',
      workload: text,
      wanted: text,
      by: text,
      dryRun: false,
      startedAt: at,
      verdict: 'failed',
      reason: text,
      next: `${text}\n${text}`,
      from: version,
      to: version,
      digest: text,
      candidates: [{ ...version, state: 'unknown', remark: text }],
      notes: [{ at, level: 'warning', text }],
      diff: text,
    }),
  );
}

function releasePlaces(text: string): string {
  const part = {
    outcome: 'success',
    outputs: { verdict: text, reason: text, tags: text, versions: text, revision: text },
  } as const;
  const outcomes = (['build', 'canary', 'deploy'] as const).map((name) => ({ name, ...part }));
  return renderRelease({ ...releaseReport(text, outcomes, new Map(), at), image: text, commit: text });
}

function gitHubPlaces(text: string): string {
  const report = {
    ...canaryReport(text),
    outcome: { ...outcome, reason: text, revision: text, verdict: 'rolled-back' },
  } as const;
  const release = { environment: text, service: text, sha: text, versions: { stable: text, canary: text } };
  return [
    renderTold(
      { state: 'failure', verdict: 'rolled-back', reason: text, report },
      { ...release, runUrl: '', environmentUrl: `shop.example/${text}` },
    ),
    renderTold(
      { state: 'error', reason: text },
      { ...release, runUrl: `https://github.com/${text}`, environmentUrl: `http://shop.example/?a=${text}` },
    ),
  ].join('\n\n');
}

function buildPlaces(text: string): string {
  const result = {
    outcome: {
      digest: text,
      tags: [text],
      platforms: [text, text],
      size: 1,
      provenance: true,
      sbom: true,
      signed: true,
      skipped: false,
      contentKey: text,
      slowest: [{ name: text, milliseconds: 1 }],
    },
    repositories: [{ name: text, registry: text, path: text }],
    version: text,
    verifySignature: text,
  };
  const error = new SluiceError('failed', { about: text, problem: `${text}\n${text}\n${text}`, next: text });
  return [buildSummary(result, { dryRun: false }), buildSummary(result, { dryRun: true }), failureSummary(error)].join(
    '\n\n',
  );
}

function drillPlaces(text: string): string {
  const report = drillWithText(text);
  const { endedAt: _, verdict: __, ...running } = report;
  return [
    renderDrill(report),
    drillIssue(report)?.text ?? '',
    renderDrill({ ...report, dryRun: true }),
    renderDrill({ ...running, faults: [], left: [] }),
  ].join('\n\n');
}

/** All Markdown of Sluice, with one text in all places that others can influence. */
export const places: Readonly<Record<string, (text: string) => string>> = {
  canary: canaryPlaces,
  deploy: deployPlaces,
  drill: drillPlaces,
  helm: helmPlaces,
  rollback: rollbackPlaces,
  release: releasePlaces,
  gitHub: gitHubPlaces,
  build: buildPlaces,
  steer: (text) => bold(text),
};
