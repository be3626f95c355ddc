import { expect, it } from 'vitest';
import { type Answer, compareAnswers } from '../../oracle/answers.ts';

const answers = (...entries: (readonly [string, Answer])[]) => new Map<string, Answer>(entries);
const given = (object: object): Answer => ({ object: { metadata: { name: 'a' }, ...object } });
const refused: Answer = { refused: 'It has no name.' };

const compare = (our: Answer, their: Answer, again: Answer = their) =>
  compareAnswers(answers(['a', our]), answers(['a', their]), async () => answers(['a', again]));

it('what the API server counts and the marks of the asker do not count', async () => {
  const ours = given({ metadata: { name: 'a', uid: '1', labels: { 'sluice.dev/inventory': 'shop' } } });
  expect(await compare(ours, given({ metadata: { name: 'a', uid: '2' } }))).toEqual({
    same: 1,
    refusedByBoth: 0,
    different: [],
  });
});

it('any other field counts, and is named', async () => {
  const { different } = await compare(
    given({ spec: { ports: [{ port: 1 }] } }),
    given({ spec: { ports: [{ port: 2 }] } }),
  );
  expect(different).toEqual(['a: .spec.ports[0].port is 1 and not 2']);
  expect((await compare(given({ spec: 9007199254740993n }), given({}))).different).toEqual([
    'a: .spec is 9007199254740993 and not absent',
  ]);
});

it('what is another value each time does not count, and all beside it does', async () => {
  const service = (clusterIP: string, port: number) => given({ spec: { clusterIP, ports: [{ port }] } });
  expect((await compare(service('10.0.0.1', 80), service('10.0.0.2', 80), service('10.0.0.3', 80))).same).toBe(1);
  const { different } = await compare(service('10.0.0.1', 81), service('10.0.0.2', 80), service('10.0.0.3', 80));
  expect(different).toEqual(['a: .spec.ports[0].port is 81 and not 80']);
});

it('a refusal counts unless both are refused', async () => {
  expect(await compare(refused, { refused: 'In other words.' })).toEqual({ same: 0, refusedByBoth: 1, different: [] });
  expect((await compare(refused, given({}))).different).toEqual(['a: refused to Sluice alone: It has no name.']);
  expect((await compare(given({}), refused)).different).toEqual(['a: refused to the other alone: It has no name.']);
});

it('an object that one alone has counts, unless its name is random', async () => {
  const [ours, theirs] = [answers(['a', given({})], ['x1', given({})]), answers(['a', given({})], ['x2', given({})])];
  const again = async () => answers(['a', given({})], ['x3', given({})]);
  expect((await compareAnswers(ours, theirs, again)).different).toEqual([]);
  expect((await compareAnswers(ours, theirs, async () => theirs)).different).toEqual([
    'x2: Sluice does not ask for it',
    'x1: only Sluice asks for it',
  ]);
});
