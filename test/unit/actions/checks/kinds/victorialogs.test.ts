import { describe, expect, test } from 'vitest';
import { victoriaLogsCheck } from '../../../../../src/actions/checks/kinds/victorialogs.ts';
import { placeOf, readCheck, refusalOf } from './place.ts';

describe('a check of VictoriaLogs', () => {
  test('is read as its example is written', () => {
    const asked: string[] = [];
    const check = readCheck(victoriaLogsCheck.example);
    expect(check.isStatistical).toBe(true);
    expect(check.build(placeOf(asked)).source).toMatchObject({
      kind: 'victorialogs',
      asked: 'level:error of {app="shop"} (VictoriaLogs http://a.example)',
    });
    expect(asked).toEqual(['VictoriaLogs by victorialogs']);
  });

  test('needs to know all lines', () => {
    expect(refusalOf("{check: victorialogs, query: 'level:error', most: 0}")).toContain('"total": is missing');
  });
});
