/** Answers of an API server as a file keeps them: without what it counts and without the namespace of the day. */
import * as z from 'zod';
import { parseJson, stringifyJson } from '../../src/core/json.ts';
import { type Answers, comparable } from './answers.ts';

const NAMESPACE = 'of-the-day';

const schema = z.record(
  z.string(),
  z.union([z.object({ refused: z.string() }), z.object({ object: z.looseObject({}) })]),
);

export function recordedAnswers(answers: Answers, namespace: string): string {
  const entries = [...answers].map(([name, answer]) => [
    name,
    'object' in answer ? { object: comparable(answer.object) } : answer,
  ]);
  return stringifyJson(Object.fromEntries(entries)).replaceAll(namespace, NAMESPACE);
}

/** @param namespace that stands for the one in which they were recorded */
export function parseAnswers(json: string, namespace: string): Answers {
  return new Map(Object.entries(schema.parse(parseJson(json.replaceAll(NAMESPACE, namespace)))));
}
