import { describe, expect, test } from 'vitest';
import { type ControlArm, controlArmDefaults, createControlArm } from '../../../src/drills/control-arm.ts';
import { seeded } from '../../../src/judge/random.ts';
import { beforeAfterNeeded, controlArm, exposedAt } from '../../bench/drill-power.ts';

/** Asks both arms in turn until it is decided. */
function asked(arms: ControlArm, isBad: (arm: 'faulted' | 'clean') => boolean) {
  for (let arm = arms.next(); arm !== undefined; arm = arms.next()) arms.add(arm, isBad(arm));
  return arms.opinion();
}

describe('a control arm', () => {
  test('asks for one faulted request and its clean ones in turn', () => {
    const arms = createControlArm({ ...controlArmDefaults, clean: 2, most: 2 });
    const asked: unknown[] = [];
    for (let arm = arms.next(); arm !== undefined; arm = arms.next()) {
      asked.push(arm);
      arms.add(arm, false);
    }
    expect(asked).toEqual(['faulted', 'clean', 'clean', 'faulted', 'clean', 'clean']);
    expect(arms.opinion()).toMatchObject({
      state: 'unknown',
      faulted: { requests: 2, bad: 0 },
      clean: { requests: 4 },
    });
    expect(arms.opinion().sentence).toBe(
      '0 of 2 (0 %) faulted requests failed, and 0 of 4 (0 %) clean ones of the same time; too few to tell whether it is 1 % more',
    );
  });

  test('ends as soon as the fault is proven to do harm', () => {
    const opinion = asked(createControlArm(controlArmDefaults), (arm) => arm === 'faulted');
    expect(opinion.state).toBe('worse');
    expect(opinion.faulted.requests).toBeLessThan(10);
    expect(opinion.sentence).toContain('luck does this in less than 1 of 100 drills');
  });

  test('ends as soon as it is proven to do none', () => {
    const opinion = asked(createControlArm(controlArmDefaults), () => false);
    expect(opinion).toMatchObject({ state: 'not-worse', faulted: { bad: 0 } });
  });

  test('takes what fails in both arms for no harm', () => {
    const random = seeded(3);
    const { worse } = controlArm({ usual: 0.2, faulty: 0.2 }, 4, 30, random);
    expect(worse).toBeLessThanOrEqual(1 / 30);
  });

  test('exposes fewer requests than before and after, at equal power', () => {
    const random = seeded(1);
    const one = { usual: 0.005, faulty: 0.2 };
    const { worse, exposed } = controlArm(one, 4, 100, random);
    expect(worse).toBe(1);
    expect(exposedAt(0.9, exposed)).toBeLessThan(0.75 * beforeAfterNeeded(one, 0.9, 100, random));
  });
});
