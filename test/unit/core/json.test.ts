import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asJson, parseJson, stringifyJson, tryParseJson } from '../../../src/core/json.ts';

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

describe('JSON of others', () => {
  it('is undefined where the text is something else', () => {
    expect(tryParseJson('<html>503 Service Unavailable</html>')).toBeUndefined();
    expect(tryParseJson('')).toBeUndefined();
    expect(tryParseJson('{"kind": "Status"}')).toEqual({ kind: 'Status' });
  });

  it('keeps what a record keeps: no undefined fields, and whole numbers with all their digits', () => {
    expect(asJson({ a: undefined, b: [1, { c: null }], d: 9_223_372_036_854_775_807n })).toEqual({
      b: [1, { c: null }],
      d: 9_223_372_036_854_775_807n,
    });
  });
});

it('a text that is no JSON is not quoted, whatever it is', () => {
  for (const text of ['s3cr3t-TOKEN', '{"a": planted', '{"id": 12345678901234567890, planted}']) {
    expect(() => parseJson(text)).toThrow(/^the text is no JSON$/);
  }
});
