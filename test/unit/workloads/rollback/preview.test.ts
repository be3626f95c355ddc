import { expect, it } from 'vitest';
import { parseJson, stringifyJson } from '../../../../src/core/json.ts';
import { templateRevision } from '../../../../src/workloads/revision.ts';
import { shownTemplates } from '../../../../src/workloads/rollback/preview.ts';
import { podTemplate } from '../../../../src/workloads/workload.ts';

/** As the API server answers: `terminationGracePeriodSeconds` is an int64. */
const templateWith = (seconds: string) =>
  podTemplate.parse(
    parseJson(
      `{"metadata":{},"spec":{"terminationGracePeriodSeconds":${seconds},"containers":[{"name":"app","image":"shop:1"}]}}`,
    ),
  );

it('shows whole numbers of 64 bits with all their digits', () => {
  const [before, after] = shownTemplates(templateWith('9223372036854775807'), templateWith('9223372036854775806'));
  expect(stringifyJson(before)).toContain('9223372036854775807');
  expect(stringifyJson(after)).toContain('9223372036854775806');
});

it('tells templates apart by the last digit of such a number', () => {
  const [one, other] = ['9223372036854775807', '9223372036854775806'].map(templateWith).map(templateRevision);
  expect(one).toMatch(/^template-[0-9a-f]{16}$/);
  expect(one).not.toBe(other);
});
