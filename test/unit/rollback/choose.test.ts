import { describe, expect, it } from 'vitest';
import {
  judgeRevisions,
  LAST_HEALTHY,
  lastHealthy,
  namedRevision,
  nothingToGoBackTo,
} from '../../../src/rollback/choose.ts';
import type { Revision, Statement } from '../../../src/rollback/ports.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

function revision(number: number, change: Partial<Revision> = {}): Revision {
  const images = new Map([['app', `shop:${number}`]]);
  return { number, id: `template-${number}`, images, ready: 0, ...change };
}

function say(verdict: Statement['verdict'], number: number, at = 0): Statement {
  return { verdict, at, said: `${verdict} by alice`, isAbout: (candidate) => candidate.number === number };
}

/** Number of the version that is chosen among 4, 3, 2 and 1. */
function chosen(statements: readonly Statement[], ready: Readonly<Record<number, number>> = {}): number | undefined {
  const revisions = [4, 3, 2, 1].map((number) => revision(number, { ready: ready[number] ?? 0 }));
  return lastHealthy(judgeRevisions(revisions, statements))?.revision.number;
}

describe('the last healthy version', () => {
  it('is the newest of which nothing is known, where nothing is known of any', () => {
    expect(chosen([])).toBe(4);
  });

  it('is rather one that was promoted than a newer one of which nothing is known', () => {
    expect(chosen([say('promoted', 2), say('promoted', 1)])).toBe(2);
  });

  it('is one whose pods serve now', () => {
    expect(chosen([say('promoted', 1)], { 3: 1 })).toBe(3);
  });

  it('is never one that was rolled back, though pods of it may be ready', () => {
    expect(chosen([say('rolled-back', 4), say('rolled-back', 3)], { 4: 2 })).toBe(2);
    expect(chosen([4, 3, 2, 1].map((number) => say('rolled-back', number)))).toBeUndefined();
  });

  it('follows the last of several records', () => {
    expect(chosen([say('rolled-back', 4, 1), say('served', 4, 2)])).toBe(4);
    expect(chosen([say('promoted', 4, 1), say('rolled-back', 4, 2), say('served', 3, 0)])).toBe(3);
  });
});

describe('a named version', () => {
  const images = new Map([['app', `shop@${digest('a')}`]]);
  const candidates = judgeRevisions([revision(12), revision(7, { images }), revision(2, { images })], []);

  it.each([
    ['7', 7],
    ['template-12', 12],
    [digest('a'), 7],
  ])('%s', (name, number) => {
    expect(namedRevision(candidates, name)?.revision.number).toBe(number);
  });

  it.each(['1', 'template-1', digest('b')])('%s is not there', (name) => {
    expect(namedRevision(candidates, name)).toBeUndefined();
  });
});

describe('the error when there is none', () => {
  it('lists the versions that there are, with what is known of them', () => {
    const candidates = judgeRevisions([revision(3)], [say('rolled-back', 3, Date.UTC(2026, 10, 26, 10))]);
    const { message } = nothingToGoBackTo('Deployment shop/checkout', LAST_HEALTHY, candidates);
    expect(message).toContain('3 (shop:3): rolled-back by alice, 2026-11-26 10:00 UTC');
  });

  it('says why there may be none', () => {
    expect(nothingToGoBackTo('Deployment shop/checkout', '3', []).message).toContain('revisionHistoryLimit');
  });
});
