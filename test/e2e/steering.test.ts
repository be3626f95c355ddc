import { describe, expect, it, vi } from 'vitest';
import type { Lab } from '../../lab/embedded/index.ts';
import type { Run } from '../../lab/embedded/runner.ts';
import { reached } from '../../lab/embedded/scenarios.ts';
import { annotations, expectServed, inLab, namesOf, objectOf, servesOnly, writesTo } from '../support/release.ts';

const route = (lab: Lab) => objectOf(lab, 'networking.istio.io/v1', 'VirtualService')?.spec;

/** What the run has printed so far, and when it says what is waited for. */
function listen() {
  let text = '';
  return {
    onOutput: (more: string) => {
      text += more;
    },
    says: (what: RegExp | string) =>
      vi.waitFor(() => expect(text).toMatch(what), { timeout: 20_000, interval: 20 }).then(() => performance.now()),
    get text() {
      return text;
    },
  };
}

/** Does what the command that the log shows does, with the two blanks filled in. @returns when it was done */
async function obey(lab: Lab, log: string, verb: string, by: string, why: string): Promise<number> {
  const [, namespace, name, pairs = ''] =
    new RegExp(`^\\s*${verb}\\s+kubectl -n (\\S+) annotate --overwrite configmap/(\\S+) (.+)$`, 'm').exec(log) ?? [];
  const annotations = Object.fromEntries(
    [...pairs.matchAll(/(\S+?)=("[^"]*"|\S+)/g)].map(([, key = '', value = '']) => [
      key,
      value.replaceAll('"', '').replace('$USER', by).replace('…', why),
    ]),
  );
  const response = await fetch(`${lab.api.url}/api/v1/namespaces/${namespace}/configmaps/${name}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer embedded-admin-token', 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ metadata: { annotations } }),
  });
  expect(response.status).toBe(200);
  return performance.now();
}

/** Nothing is left of the canary. */
function expectTidy(lab: Lab): void {
  expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout']);
  expect(namesOf(lab, 'v1', 'Service')).toEqual(['checkout']);
  expect(namesOf(lab, 'networking.istio.io/v1', 'DestinationRule')).toEqual(['checkout']);
}

describe.concurrent('A person', () => {
  const hold = { steps: '30 hold, 100' };

  it('aborts with the command that the log shows, and is named in the report', async () => {
    await inLab({}, async ({ lab, start }) => {
      const found = route(lab);
      const log = listen();
      const run = await start({ inputs: hold, onOutput: log.onOutput });
      await log.says('Holds at 30 %');
      const asked = await obey(lab, log.text, 'abort', 'bob', 'checkout total is wrong');
      const heard = await log.says('abort by somebody who says to be bob: checkout total is wrong');
      expect(heard - asked).toBeLessThan(3_000);

      const { status, outputs, summary } = await run.ended;
      expect(status).toBe(1);
      expect(outputs).toMatchObject({ verdict: 'rolled-back', weight: '30' });
      expect(outputs.reason).toBe('aborted by somebody who says to be bob: checkout total is wrong');
      expect(summary).toContain('aborted by somebody who says to be bob: checkout total is wrong');
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      expectServed(lab);
    });
  });

  it('approves with the command that the log shows', async () => {
    await inLab({}, async ({ lab, start }) => {
      const log = listen();
      const run = await start({ inputs: hold, onOutput: log.onOutput });
      await log.says('Holds at 30 %');
      expect(annotations({ log: log.text }, 'notice').join()).toContain('sluice.dev/command=approve');
      const asked = await obey(lab, log.text, 'approve', 'carol', 'looks fine');
      const heard = await log.says('approve by somebody who says to be carol: looks fine');
      expect(heard - asked).toBeLessThan(3_000);

      const { status, outputs, summary } = await run.ended;
      expect(outputs.verdict, log.text).toBe('promoted');
      expect(status).toBe(0);
      expect(summary).toContain('approve by somebody who says to be carol: looks fine');
      expectTidy(lab);
      expectServed(lab);
    });
  });

  it('freezes it, and the next run of the same release goes on from there', async () => {
    await inLab({}, async ({ lab, start }) => {
      const found = route(lab);
      const log = listen();
      const run = await start({ inputs: hold, onOutput: log.onOutput });
      await log.says('Holds at 30 %');
      await obey(lab, log.text, 'freeze', 'dave', 'let me look');
      const frozen = await run.ended;
      expect(frozen.status).toBe(1);
      expect(frozen.outputs).toMatchObject({
        verdict: 'frozen',
        reason: 'frozen by somebody who says to be dave: let me look',
        weight: '30',
      });
      expect(frozen.summary).toContain('The canary still gets **30 %**');
      expect(lab.canaryWeight()).toBe(30);

      const again = listen();
      const second = await start({ job: 2, inputs: hold, onOutput: again.onOutput });
      await again.says('Holds at 30 %');
      expect(again.text).toMatch(/Goes on with what alice, .*runs\/1 began .*, now at 30 %/);
      await obey(lab, again.text, 'approve', 'dave', 'it was nothing');
      const { status, outputs } = await second.ended;
      expect(outputs.verdict, again.text).toBe('promoted');
      expect(status).toBe(0);
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      expectServed(lab);
    });
  });

  it('reads what a dry run would write, and nothing has changed', async () => {
    await inLab({}, async ({ lab, release }) => {
      const { status, outputs, log, summary } = await release({ inputs: { 'dry-run': 'true' } });
      expect(status, log).toBe(0);
      expect(outputs.verdict).toBe('');
      expect(log).toMatch(/Would create Deployment shop\/checkout-canary/);
      expect(log).toMatch(/Would update VirtualService shop\/checkout/);
      expect(log).toMatch(/^.*\+.*registry\.example\/checkout:1\.1\.0/m);
      expect(log).toMatch(/canary requests expected/);
      expect(summary).toContain('Nothing was changed');
      expect(writesTo(lab)).toEqual([]);
      expectTidy(lab);
    });
  });
});

/** Moments of a rollout, by what the lab shows. */
const moments: Readonly<Record<string, (lab: Lab, run: Run) => Promise<void>>> = {
  'while the canary is made': (lab) => lab.until(() => namesOf(lab, 'apps/v1', 'Deployment').length === 2),
  'at 30 %': (lab, run) => reached(lab, run, 30),
  'while it is promoted': (lab) =>
    lab.until(() => JSON.stringify(objectOf(lab, 'apps/v1', 'Deployment')?.spec).includes(lab.canaryImage)),
};
/** Pods take a moment, so that there is something to interrupt. */
const unhurried = { canary: { readyAfter: 700 } };

describe.concurrent.each(Object.entries(moments))('%s', (_, moment) => {
  it('a cancelled job puts everything back before the runner gives up', async () => {
    await inLab(unhurried, async ({ lab, start }) => {
      const found = route(lab);
      const run = await start();
      await moment(lab, run);
      const cancelled = performance.now();
      run.cancel();
      const { outputs, log } = await run.ended;
      expect(performance.now() - cancelled).toBeLessThan(10_000);
      expect(run.main.exitCode, log).toBe(1);
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(outputs.reason).toMatch(/SIGINT/);
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });

  it('a process that is killed leaves all to the post step', async () => {
    await inLab(unhurried, async ({ lab, start }) => {
      const found = route(lab);
      const run = await start();
      await moment(lab, run);
      // Not the runner: it goes on with post, with the state that main has saved.
      run.main.kill('SIGKILL');
      const { status, outputs, log, summary } = await run.ended;
      expect(status).toBeUndefined();
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(summary).toContain('Rolled back');
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});

describe('A commit that takes back the release which a lost runner left unfinished', () => {
  it('has it undone, and is green, as what it asks for is what serves', async () => {
    await inLab({}, async ({ lab, start, release }) => {
      const found = route(lab);
      const lost = await start();
      await reached(lab, lost, 30);
      lost.kill();
      await lost.ended;
      const { status, outputs, log } = await release({ inputs: { image: lab.stableImage } });
      expect(status, log).toBe(0);
      expect(outputs).toMatchObject({ verdict: 'promoted', 'canary-requests': '0' });
      expect(outputs.digest).toMatch(/^sha256:/);
      expect(outputs.reason).toMatch(
        /^Deployment shop\/checkout runs this release already: what alice, .*runs\/1 had left/,
      );
      expect(log).toMatch(/First clearing up what alice, .*runs\/1 left unfinished/);
      expect(log).not.toMatch(/nothing was changed/i);
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});

/** What an API server can do to a rollout in the middle of a step. */
const outages: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'is away for three seconds': async (lab) => {
    await lab.api.stop();
    await seconds(3);
    await lab.api.start();
  },
  'answers 503 and 429 for two seconds': async (lab) => {
    lab.api.faults.inject({ match: (info) => info?.verb === 'get', status: 503 });
    lab.api.faults.inject({ match: (info) => info?.verb !== 'get', status: 429, retryAfter: 1 });
    await seconds(2);
    lab.api.faults.clear();
  },
  'cuts every connection, and drops a dozen requests': async (lab) => {
    lab.api.faults.inject({ drop: true, times: 12 });
    lab.api.dropConnections();
  },
};

describe.concurrent('A rollout whose API server', () => {
  it.each(Object.entries(outages))('%s is promoted all the same', async (_, outage) => {
    await inLab({}, async ({ lab, start }) => {
      const found = route(lab);
      const run = await start();
      await reached(lab, run, 30);
      await outage(lab);
      const { outputs, log } = await run.ended;
      expect(outputs.verdict, log).toBe('promoted');
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
    });
  });

  it('is away when a breach is found restores the route when it is back', async () => {
    await inLab({}, async ({ lab, start }) => {
      const found = route(lab);
      const run = await start({ inputs: { steps: '30 for 20s, 100', 'no-data-patience': '2s' } });
      await reached(lab, run, 30);
      await lab.api.stop();
      lab.images.set(lab.canaryImage, { errorRate: 1 });
      await seconds(4);
      await lab.api.start();
      const { outputs, log } = await run.ended;
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(route(lab)).toEqual(found);
      expectTidy(lab);
      await servesOnly(lab, '1.0.0');
    });
  });
});

function seconds(number: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, number * 1_000));
}
