import { describe, expect, it } from 'vitest';
import { loadSteerInputs } from '../../../../src/actions/steer/inputs.ts';

const approve = { rollout: 'checkout', command: 'approve' };

describe('inputs of actions/steer', () => {
  it('need a rollout and a command, and take the rest from its defaults', () => {
    expect(loadSteerInputs(approve)).toMatchObject({ ...approve, 'only-this-run': false, timeout: 120_000 });
    expect(() => loadSteerInputs({})).toThrow(
      /"rollout" is needed[\s\S]*"command" is needed: approve, abort or freeze/,
    );
  });

  it.each([
    [{ rollout: 'virtualservice/checkout' }, /leave its kind out/],
    [{ rollout: '../secrets/x' }, /is no name/],
    [{ rollout: 'Checkout' }, /is no name/],
    [{ command: 'stop' }, /"stop" is not one of/],
    [{ 'only-this-run': 'maybe' }, /only-this-run/],
    [{ timeout: 'soon' }, /timeout/],
  ])('refuses %j', (wrong, problem) => {
    expect(() => loadSteerInputs({ ...approve, ...wrong })).toThrow(problem);
  });
});
