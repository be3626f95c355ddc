import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parsePlanFile, parseSteps } from '../../../../src/actions/canary/plan-input.ts';
import { isSluiceError } from '../../../../src/core/errors.ts';
import { parsePlan } from '../../../../src/judge/plan-syntax.ts';

/** A step as YAML, and the same as part of a line. */
const step = fc
  .record({
    time: fc.option(
      fc.record({
        for: fc.integer({ min: 1, max: 50 }),
        more: fc.option(fc.integer({ min: 1, max: 50 })),
        early: fc.boolean(),
      }),
    ),
    hold: fc.boolean(),
  })
  .map(({ time, hold }) => {
    const to = time?.more ? `${time.for + time.more}m` : undefined;
    const yaml = {
      ...(time && { for: `${time.for}m` }),
      ...(to && { to }),
      ...(time?.early && { early: true }),
      ...(hold && { hold: true }),
    };
    const line = [
      ...(time ? [`for ${time.for}m`] : []),
      ...(to ? [`to ${to}`] : []),
      ...(time?.early ? ['early'] : []),
      ...(hold ? [time ? 'then hold' : 'hold'] : []),
    ].join(' ');
    return { yaml, line };
  })
  .filter(({ line }) => line !== '');

function refusal(text: string): string {
  try {
    parseSteps(text);
  } catch (error) {
    if (isSluiceError(error, 'invalid-input')) return error.message;
    throw error;
  }
  return 'accepted';
}

/** The line to copy in a refusal. */
function correctionIn(message: string): string {
  return /steps: "(.*)"$/.exec(message)?.[1] ?? 'none';
}

describe('a plan in YAML', () => {
  it('means what its line means', () => {
    const weights = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.array(step, { minLength: 6, maxLength: 6 }), (picked, steps) => {
        const rising = picked.toSorted((a, b) => a - b);
        const line = [...rising.map((weight, index) => `${weight} ${steps[index]?.line}`), '100'].join(', ');
        const list = [...rising.map((weight, index) => ({ weight, ...steps[index]?.yaml })), { weight: 100 }];
        const plan = parsePlan(line);
        expect(parseSteps(stringify(list))).toEqual(plan);
        expect(parseSteps(JSON.stringify(list))).toEqual(plan);
        expect(parsePlanFile(stringify({ steps: list }), 'plan file')).toEqual(plan);
        expect(parsePlanFile(stringify({ steps: line }), 'plan file')).toEqual(plan);
      }),
    );
  });

  it('may be a list of lines', () => {
    expect(parseSteps('- 5 for 2m\n- 25 for 5m then hold\n- 100')).toEqual(
      parsePlan('5 for 2m, 25 for 5m then hold, 100'),
    );
  });

  it.each([
    ['an unknown key', '- {weight: 5, for: 2m, pause: 5m}\n- 100', 'unknown key "pause"', '5 for 2m, 100'],
    ['a mistyped key', '- {wieght: 5, for: 2m}\n- 100', '"weight" is near', '5 for 2m, 100'],
    [
      'a range that is not early',
      '- {weight: 5, for: 2m, to: 5m, early: false}\n- 100',
      'rules out',
      '5 for 2m to 5m, 100',
    ],
    [
      'a value of another type',
      '- {weight: 5, for: 2m, hold: sure}\n- 100',
      '"hold" that can\'t be read',
      '5 for 2m, 100',
    ],
    [
      'further steps inside a value',
      '- {weight: 5, for: "2m, 100"}\n- 100',
      '"for" that can\'t be read',
      '5 for 5m, 100',
    ],
    ['a step that is a list', '- [5]\n- 100', 'step 1 is neither', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
    [
      'what the line form refuses',
      '- {weight: 50, for: 2m}\n- {weight: 25, for: 2m}',
      '25 comes after 50',
      '25 for 2m, 50 for 2m, 100',
    ],
  ])('is refused with the corrected line: %s', (_, text, problem, correction) => {
    const message = refusal(text);
    expect(message).toContain(problem);
    expect(correctionIn(message)).toBe(correction);
    expect(refusal(correctionIn(message))).toBe('accepted');
  });

  it('is refused with an example where it is no YAML', () => {
    const message = refusal('- {weight: 5');
    expect(message).toContain('is not YAML');
    expect(refusal(correctionIn(message))).toBe('accepted');
  });

  it('is refused where a file holds something else', () => {
    expect(() => parsePlanFile('steps: *none', 'plan file a.yml')).toThrow(
      /plan file a\.yml: is not YAML: Unresolved alias/,
    );
    expect(() => parsePlanFile('steps: 5 for 2m, 100\ntimeout: 5m', 'plan file .github/canary.yml')).toThrow(
      'plan file .github/canary.yml: is neither a list of steps',
    );
  });
});
