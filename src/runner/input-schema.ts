import * as z from 'zod';
import type { InputType } from './input-types.ts';

type TextSchema<T> = z.ZodType<T, string>;

/** What the documentation and the errors say about an input. */
export interface InputFacts {
  /** The table of the documentation that lists it. */
  readonly group: string;
  readonly description: string;
  readonly default?: string;
  readonly example: string;
}

export interface ListedInput extends InputFacts {
  readonly name: string;
  /** The values that are allowed. */
  readonly allowed: string;
  readonly type: TextSchema<unknown>;
}

/** Every input of an action, by its name. */
export type InputsSchema = z.ZodObject<Readonly<Record<string, TextSchema<unknown>>>, z.core.$strict>;

/** One schema for all: there are more than fifty inputs, and each schema takes time before the first request. */
const given = z.string();

const inputFacts = z.registry<InputFacts & { readonly allowed: string }>();

/** One input: how its text is read, and its facts. Without a default, an input that is not given is undefined. */
export function input<T>(type: InputType<T>, facts: InputFacts & { readonly default: string }): TextSchema<T>;
export function input<T>(type: InputType<T>, facts: InputFacts): TextSchema<T | undefined>;
export function input<T>(type: InputType<T>, facts: InputFacts): TextSchema<T | undefined> {
  // The runner sets every declared input; one that is not given is the empty text.
  const schema = given.transform((written, context) => {
    const value = written.trim() || facts.default;
    return value === undefined ? undefined : type.read(value, context);
  });
  return schema.register(inputFacts, { ...facts, allowed: type.allowed });
}

/** All inputs with their facts, in the order of the schema. */
export function listInputs(schema: InputsSchema): ListedInput[] {
  return Object.entries(schema.shape).flatMap(([name, type]) => {
    const facts = inputFacts.get(type);
    return facts ? [{ name, type, ...facts }] : [];
  });
}
