import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type History,
  healthyBefore,
  lastGood,
  parseHistory,
  type Revision,
  recoveryOf,
} from '../../../src/helm/history.ts';
import { type ChangeRecord, conclusionOf, returnTo } from '../../../src/helm/record.ts';

/** `1 superseded, 2 deployed: Rollback to 1` as a history. */
function historyOf(text: string): History {
  const lines = text.split(', ').map((line) => {
    const [, revision, status, description = 'Upgrade complete'] = /^(\d+) ([\w-]+)(?:: (.+))?$/.exec(line) ?? [];
    return { revision: Number(revision), status, description, chart: 'shop-1.0.0' };
  });
  return parseHistory(JSON.stringify(lines));
}

const FAILED = 'Upgrade "shop" failed: context canceled';

describe('parseHistory', () => {
  it.each(['', 'WARNING: old client', '{}', '[{"revision":"1"}]'])('names what is no history: %s', (text) => {
    expect(() => parseHistory(text)).toThrow(/^helm history: answered something else than the revisions of a release/);
  });

  it('reads what Helm 4 and Helm 3 print', () => {
    const json = `[{"revision":3,"updated":"2026-11-26T12:47:36.51Z","status":"deployed","chart":"shop-1.2.3","app_version":"7",
      "rollback_revision":1,"description":"Rollback to 1"},{"revision":1,"updated":"","status":"superseded","chart":"shop-1.2.3",
      "app_version":"7","description":"Install complete"}]`;
    expect(parseHistory(json)).toMatchObject([
      { revision: 1, status: 'superseded' },
      { revision: 3, status: 'deployed', rollback_revision: 1 },
    ]);
  });

  it('knows a status of later versions as unknown', () => {
    expect(parseHistory('[{"revision":1,"status":"paused"}]')[0]?.status).toBe('unknown');
  });
});

describe('healthyBefore', () => {
  it.each([
    ['1 superseded, 2 deployed', 1],
    ['1 superseded, 2 superseded, 3 deployed', 2],
    // What was rolled back from is no candidate, and neither is what a rollback had only repeated.
    ['1 superseded, 2 superseded, 3 superseded, 4 deployed: Rollback to 2', 1],
    ['1 superseded, 2 superseded, 3 superseded: Rollback to 1, 4 deployed', 3],
    ['1 superseded, 2 superseded, 3 superseded: Rollback to 1, 4 superseded, 5 deployed: Rollback to 3', undefined],
    // A failed revision that a later rollback has superseded never worked.
    [`1 superseded, 2 superseded: ${FAILED}, 3 deployed`, 1],
    [`1 superseded, 2 failed: ${FAILED}, 3 deployed: Rollback to 1`, undefined],
    ['1 deployed', undefined],
    // What failed, or was left, is itself what has to be left.
    [`1 deployed, 2 failed: ${FAILED}`, 1],
    ['1 superseded, 2 deployed, 3 pending-upgrade: Preparing upgrade', 2],
  ])('of %s is %s', (text, expected) => {
    expect(healthyBefore(historyOf(text))?.revision).toBe(expected);
  });
});

describe('lastGood', () => {
  it.each([
    ['1 superseded, 2 deployed, 3 pending-rollback: Rollback to 1', 2],
    [`1 superseded, 2 superseded: ${FAILED}, 3 failed: Rollback "shop" failed: x`, 1],
    ['1 superseded, 2 uninstalled: Uninstallation complete', undefined],
    ['1 superseded, 2 uninstalled: Uninstallation complete, 3 pending-install: Initial install underway', undefined],
  ])('of %s is %s', (text, expected) => {
    expect(lastGood(historyOf(text))?.revision).toBe(expected);
  });
});

describe('recoveryOf', () => {
  it.each([
    ['1 deployed', { kind: 'none' }],
    [`1 deployed, 2 failed: ${FAILED}`, { kind: 'none' }],
    ['1 pending-install: Initial install underway', { kind: 'uninstall' }],
    [`1 failed: ${FAILED}, 2 pending-upgrade: Preparing upgrade`, { kind: 'uninstall' }],
    ['1 deployed, 2 pending-upgrade: Preparing upgrade', { kind: 'rollback', to: { revision: 1 } }],
    ['1 superseded, 2 deployed, 3 pending-rollback: Rollback to 1', { kind: 'rollback', to: { revision: 2 } }],
    ['1 superseded, 2 uninstalling', { kind: 'uninstall' }],
    ['1 superseded, 2 uninstalled: Uninstallation complete', { kind: 'none' }],
  ])('of %s', (text, expected) => {
    expect(recoveryOf(historyOf(text))).toMatchObject(expected);
  });
});

describe('conclusionOf', () => {
  const record: ChangeRecord = { id: 'run', baseline: 1, latest: 1, undoing: false, keepFailed: false };

  it.each([
    ['nothing was written', record, '1 deployed', { kind: 'none' }],
    ['Helm has written that it failed', record, `1 deployed, 2 failed: ${FAILED}`, { kind: 'rollback' }],
    ['it is to stay', { ...record, keepFailed: true }, `1 deployed, 2 failed: ${FAILED}`, { kind: 'none' }],
    ['Helm came through', record, '1 superseded, 2 deployed', { kind: 'none' }],
    ['it was being taken back', { ...record, undoing: true }, '1 superseded, 2 deployed', { kind: 'rollback' }],
    [
      'it was taken back',
      { ...record, undoing: true },
      `1 superseded, 2 failed: ${FAILED}, 3 deployed: Rollback to 1`,
      { kind: 'none' },
    ],
    ['it is pending', { ...record, keepFailed: true }, '1 deployed, 2 pending-upgrade', { kind: 'rollback' }],
    [
      'somebody else names an older revision to go back to',
      { ...record, baseline: 1, latest: 2, undoing: true },
      '1 superseded, 2 superseded, 3 deployed',
      { kind: 'none' },
    ],
    [
      'somebody else says that a release that works is to go',
      { ...record, baseline: null, latest: 0, undoing: true },
      '1 deployed',
      { kind: 'none' },
    ],
    [
      'somebody else says so of one with a history',
      { ...record, baseline: null, latest: 0, undoing: true },
      `1 superseded, 2 superseded, 3 failed: ${FAILED}`,
      { kind: 'none' },
    ],
    [
      'a first install failed',
      { ...record, baseline: null, latest: 0 },
      `1 failed: Release "shop" failed: x`,
      { kind: 'uninstall' },
    ],
  ])('%s', (_, given, text, expected) => {
    expect(conclusionOf(given, historyOf(text))).toMatchObject(expected);
  });
});

/** What Helm does to its records, as far as the recovery depends on it. */
type Act = 'deploy' | 'fail' | 'die' | 'recover' | 'rollback';

/** The description that tells a rollback, and the content that a revision has. */
interface Known {
  readonly history: History;
  readonly content: ReadonlyMap<number, number>;
}

function added({ history, content }: Known, status: Revision['status'], description: string, of?: number): Known {
  const revision = (history.at(-1)?.revision ?? 0) + 1;
  const isDeployed = status === 'deployed';
  const former = history.map((one) =>
    isDeployed && one.status === 'deployed' ? { ...one, status: 'superseded' as const } : one,
  );
  return {
    history: [...former, { revision, status, description, chart: 'shop-1.0.0', app_version: '' }],
    content: new Map([...content, [revision, of === undefined ? revision : (content.get(of) ?? of)]]),
  };
}

function done(known: Known, act: Act): Known {
  const isPending = known.history.at(-1)?.status.startsWith('pending') ?? false;
  // Helm refuses every change but a rollback and an uninstall while one is pending.
  if (isPending && act !== 'recover') return known;
  const isFirst = known.history.length === 0;
  switch (act) {
    case 'deploy':
      return added(known, 'deployed', isFirst ? 'Install complete' : 'Upgrade complete');
    case 'fail':
      return added(known, 'failed', FAILED);
    case 'die':
      return added(known, isFirst ? 'pending-install' : 'pending-upgrade', 'Preparing upgrade');
    case 'rollback': {
      const to = healthyBefore(known.history)?.revision;
      return to === undefined ? known : added(known, 'deployed', `Rollback to ${to}`, to);
    }
    case 'recover': {
      const recovery = recoveryOf(known.history);
      if (recovery.kind === 'none') return known;
      if (recovery.kind === 'uninstall') return { history: [], content: new Map() };
      return added(known, 'deployed', `Rollback to ${recovery.to.revision}`, recovery.to.revision);
    }
  }
}

const acts = fc.array(fc.constantFrom<Act>('deploy', 'fail', 'die', 'recover', 'rollback'), { maxLength: 25 });

describe('after any course of events', () => {
  it('one recovery ends in a state that Helm goes on from, with the content that was deployed last', () => {
    fc.assert(
      fc.property(acts, (course) => {
        const before = course.reduce(done, { history: [], content: new Map() });
        const deployed = before.history.findLast(({ status }) => status === 'deployed');
        const after = done(before, 'recover');
        expect(recoveryOf(after.history).kind).toBe('none');
        expect(after.history.at(-1)?.status.startsWith('pending') ?? false).toBe(false);
        const now = after.history.findLast(({ status }) => status === 'deployed');
        expect(after.content.get(now?.revision ?? 0)).toBe(before.content.get(deployed?.revision ?? 0));
      }),
    );
  });

  it('rolling back again and again visits each content once, and ends', () => {
    fc.assert(
      fc.property(acts, (course) => {
        let known = done(course.reduce(done, { history: [], content: new Map() }), 'recover');
        const visited: number[] = [];
        for (let round = 0; round <= course.length; round += 1) {
          const next = done(known, 'rollback');
          if (next === known) break;
          known = next;
          visited.push(known.content.get(known.history.at(-1)?.revision ?? 0) ?? 0);
        }
        expect(new Set(visited).size).toBe(visited.length);
        expect(done(known, 'rollback')).toBe(known);
      }),
    );
  });

  it('a change that is undone twice is undone once', () => {
    fc.assert(
      fc.property(acts, (course) => {
        const before = done(course.reduce(done, { history: [], content: new Map() }), 'recover');
        const baseline = lastGood(before.history)?.revision;
        if (baseline === undefined) return;
        const failed = done(before, 'fail');
        const back = returnTo(baseline, failed.history);
        if (back.kind !== 'rollback') throw new Error('nothing was undone');
        const undone = added(failed, 'deployed', `Rollback to ${back.to.revision}`, back.to.revision);
        expect(returnTo(baseline, undone.history)).toEqual({ kind: 'none' });
      }),
    );
  });
});
