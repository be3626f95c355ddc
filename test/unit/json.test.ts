import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, stringifyJson } from '../../src/json.ts';

describe('JSON with whole numbers of 64 bits', () => {
  it('comes back as it was, digit for digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.string(), (number, text) => {
        const json = `{"number":${number},"text":${JSON.stringify(text)},"list":[${number}]}`;
        expect(stringifyJson(parseJson(json))).toBe(json);
      }),
    );
  });

  it('is that of JSON.parse where no number is that large', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.stringify(value);
        const isLarge = /(?<![.\d])\d{16,}(?![.\d])/.test(json);
        fc.pre(!isLarge);
        expect(parseJson(json)).toEqual(JSON.parse(json));
      }),
    );
  });

  it('takes what is larger than 64 bits, and fractions, as the API server does: as floating point', () => {
    expect(parseJson('[18446744073709551616, 9007199254740993.5, 1e20, "9007199254740993"]')).toEqual([
      18446744073709552000,
      9007199254740994,
      1e20,
      '9007199254740993',
    ]);
  });
});
