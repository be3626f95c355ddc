import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { isRecord } from '../../../src/core/json.ts';
import { createGitHub, type GitHub } from '../../../src/github/client.ts';
import { keepComment, pullRequestOf } from '../../../src/github/comments.ts';
import { tellCommitStatus } from '../../../src/github/commit-status.ts';
import { ensureDeployment, findDeployment, retireOlder, tellStatus } from '../../../src/github/deployments.ts';
import { keepIssue } from '../../../src/github/issues.ts';
import { occasionOf } from '../../../src/runner/event.ts';
import { nearly, nearlyJsonText } from '../generators.ts';
import { ofText, type Reader, signal } from '../reader.ts';
import { answeringServer } from '../server.ts';

const sha = 'a'.repeat(40);
const key = { sha, environment: 'production', service: 'shop', run: '16' };
const state = { state: 'success' as const, description: 'x', logUrl: 'https://a', environmentUrl: '' };

const asked: readonly ((github: GitHub) => Promise<unknown>)[] = [
  (github) => pullRequestOf(github, sha),
  (github) => keepComment(github, 7, '<!-- sluice -->', 'text'),
  (github) =>
    tellCommitStatus(github, { sha, context: 'sluice', state: 'success', description: 'x', url: 'https://a' }),
  (github) => ensureDeployment(github, key),
  (github) => findDeployment(github, key),
  (github) => tellStatus(github, 3, state),
  (github) => retireOlder(github, 3, key),
  (github) =>
    keepIssue(github, '<!-- a -->', '<!-- b -->', {
      about: 'the rollback',
      title: 't',
      text: 'x',
      labels: ['sluice'],
      assignees: [],
    }),
];

const item = {
  id: 7,
  number: 7,
  state: 'open',
  body: '<!-- sluice --> text',
  html_url: 'https://github.example/x',
  context: 'sluice',
  description: 'x',
  target_url: 'https://a',
  payload: { sluice: { run: '16', service: 'shop' } },
  labels: [{ name: 'sluice' }],
  user: { login: 'github-actions[bot]' },
  message: 'Validation Failed',
  errors: [{ code: 'x' }],
};

/** What GitHub answers, whatever it was asked for. */
const github: Reader = {
  name: 'GitHub',
  share: 0.3,
  cases: fc.record({
    status: fc.constantFrom(200, 201, 204, 304, 401, 403, 404, 410, 422, 429, 500),
    which: fc.nat({ max: asked.length - 1 }),
    type: fc.constantFrom('application/json', 'text/html', 'application/octet-stream'),
    retryAfter: fc.option(nearly('1', '60', '9007199254740992', 'Fri, 31 Dec 1999 23:59:59 GMT'), { nil: '' }),
    reset: nearly('1800000000', '0'),
    accepted: nearly('deployments=write; statuses=write,contents=read'),
    one: nearlyJsonText(item),
    many: nearlyJsonText([item]),
  }),
  async read(value) {
    if (!isRecord(value)) return;
    const server = await answeringServer();
    let requests = 0;
    server.answer((path) => {
      requests += 1;
      const isList = requests % 2 === 1 && path !== '';
      return {
        status: requests === 1 ? Number(value.status) : 200,
        headers: {
          'content-type': String(value.type),
          'retry-after': String(value.retryAfter),
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(value.reset),
          'x-accepted-github-permissions': String(value.accepted),
        },
        body: String(isList ? value.many : value.one),
      };
    });
    const place = { owner: 'acme', repo: 'shop' };
    const options = { token: 't', apiUrl: `http://${server.host}`, ...place, signal, pause: 1, longestWait: 1 };
    await asked[Number(value.which)]?.(createGitHub(options));
  },
};

const folder = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));

export const githubReaders: readonly Reader[] = [
  github,
  ofText(
    'event of a workflow',
    nearlyJsonText({
      pull_request: { number: 7, head: { sha } },
      workflow_run: { head_sha: sha, pull_requests: [{ number: 7 }] },
      issue: { number: 7, pull_request: {} },
    }),
    (text) => {
      const path = join(folder, 'event.json');
      writeFileSync(path, text);
      return occasionOf({ GITHUB_EVENT_PATH: path, GITHUB_SHA: sha });
    },
  ),
];
