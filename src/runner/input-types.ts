import * as z from 'zod';
import { parseDuration } from '../core/duration.ts';
import { isSluiceError } from '../core/errors.ts';
import { parseReference } from '../core/image-reference.ts';
import { once } from '../core/lazy.ts';

/** How the text of an input is read. */
export interface InputType<T> {
  /** The values that are allowed, as errors and documentation name them: `istio, nginx or traefik`. */
  readonly allowed: string;
  /** The value of a text; adds an issue for a text that is refused. */
  readonly read: (text: string, context: z.RefinementCtx) => T;
  /** For a text within a value of YAML. */
  readonly schema: z.ZodType<T, string>;
}

/** What is wrong with a text, as a sentence that follows the input's name. */
class WrongInput extends Error {}

/** Refuses a text. `problem` must not quote what may be secret. */
export function wrong(problem: string): never {
  throw new WrongInput(problem);
}

/** A type that `read` makes from the text; `read` refuses a text with `wrong` or a SluiceError. */
export function inputType<T>(allowed: string, read: (text: string) => T): InputType<T> {
  const readInto = (given: string, context: z.RefinementCtx): T => {
    try {
      return read(given);
    } catch (error) {
      if (error instanceof WrongInput) context.addIssue(error.message);
      else if (!isSluiceError(error)) throw error;
      else {
        const message = `${error.problem} ${error.next}`;
        context.addIssue({ code: 'custom', message, params: { saysWhatToWrite: true } });
      }
      return z.NEVER;
    }
  };
  const schema = once(() => z.string().transform(readInto));
  return {
    allowed,
    read: readInto,
    get schema() {
      return schema();
    },
  };
}

export const text = inputType('text', (given) => given);

/** One image with its tag or digest. */
export const image = inputType('an image such as ghcr.io/acme/checkout:1.2.3', parseReference);

export function choice<const T extends string>(...values: readonly T[]): InputType<T> {
  const allowed = listed(values);
  return inputType(allowed, (given) => {
    return values.find((value) => value === given) ?? wrong(`"${given}" is not one of ${allowed}.`);
  });
}

/** Several of these values, separated by commas or line breaks; `none` is the empty list. */
export function choices<const T extends string>(...values: readonly T[]): InputType<readonly T[]> {
  const allowed = `some of ${values.join(', ')}; or none`;
  return inputType(allowed, (given) => {
    if (given === 'none') return [];
    const words = itemsOf(given);
    const unknown = words.find((word) => !values.some((value) => value === word));
    if (unknown !== undefined) wrong(`"${unknown}" is not one of ${listed([...values, 'none'])}.`);
    return values.filter((value) => words.includes(value));
  });
}

/** Reads booleans as GitHub's own actions do, by the core schema of YAML 1.2: `true`, `True` and `TRUE`. */
export const boolean = inputType('true or false', (given) => {
  if (/^(?:true|True|TRUE)$/.test(given)) return true;
  if (/^(?:false|False|FALSE)$/.test(given)) return false;
  return wrong(`"${given}" is neither true nor false.`);
});

/** Milliseconds. */
export const duration = inputType('a duration such as 90s, 5m or 1h30m', (given) => {
  return parseDuration(given) ?? wrong(`"${given}" is no duration such as 90s, 5m or 1h30m.`);
});

export function wholeNumber(least: number): InputType<number> {
  const allowed = `a whole number from ${least} on`;
  return inputType(allowed, (given) => {
    const value = Number(given);
    return /^\d+$/.test(given) && value >= least ? value : wrong(`"${given}" is not ${allowed}.`);
  });
}

export function number(least: number): InputType<number> {
  const allowed = `a number from ${least} on`;
  return inputType(allowed, (given) => {
    const value = Number(given);
    return /^\d+(\.\d+)?$/.test(given) && value >= least ? value : wrong(`"${given}" is not ${allowed}.`);
  });
}

/** A fraction; per cent is allowed, too. */
export const rate = inputType('a rate from 0 to 1, or per cent: 0.01 or 1%', readRate);

/** A rate that is neither 0 nor 1. */
export const probability = inputType('a probability between 0 and 1, or per cent: 0.01 or 1%', (given) => {
  const value = readRate(given);
  return value === 0 || value === 1 ? wrong(`"${given}" is not between 0 and 1.`) : value;
});

function readRate(given: string): number {
  const [, digits = '', percent] = /^(\d+(?:\.\d+)?)\s*(%)?$/.exec(given) ?? [];
  // Divides in the decimal text, because 7 * 0.01 is not 0.07 in floating point.
  const value = digits === '' ? Number.NaN : Number(percent ? `${digits}e-2` : digits);
  return value >= 0 && value <= 1 ? value : wrong(`"${given}" is no rate such as 0.01 or 1%.`);
}

/** Items separated by commas or line breaks. */
export const list = inputType('a list, separated by commas or lines', itemsOf);

export function itemsOf(given: string): string[] {
  return given
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

const labelName = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const objectName = `${labelName}(?:\\.${labelName})*`;

/** The name of a namespace (RFC 1123 label). */
export const namespaceName = inputType('the name of a namespace', (given) => {
  return new RegExp(`^${labelName}$`).test(given) ? given : wrong(`"${given}" can't be the name of a namespace.`);
});

/** A Service, with its namespace and port where they are given: `checkout`, `checkout:8080`, `shop/checkout`. */
export interface ServiceInput {
  readonly name: string;
  readonly namespace?: string;
  /** Number or name. */
  readonly port?: string;
}

const servicePattern = new RegExp(`^(?:(${labelName})/)?(${objectName})(?::([a-z0-9-]+))?$`);

export const service = inputType('NAME, NAME:PORT or NAMESPACE/NAME', (given): ServiceInput => {
  const [, namespace, name, port] = servicePattern.exec(given) ?? [];
  if (name === undefined) return wrong(`"${given}" is no Service; write NAME, NAME:PORT or NAMESPACE/NAME.`);
  return { name, ...(namespace !== undefined && { namespace }), ...(port !== undefined && { port }) };
});

/** An object, with its kind where it is given: `virtualservice/checkout`, `checkout`. */
export interface RouteInput<Kind extends string> {
  readonly kind?: Kind;
  readonly name: string;
}

export function route<const Kind extends string>(...kinds: readonly Kind[]): InputType<RouteInput<Kind>> {
  const allowed = `${listed(kinds)} and its name: ${kinds[0]}/NAME`;
  const pattern = new RegExp(`^(?:([^/]+)/)?(${objectName})$`);
  return inputType(allowed, (given) => {
    const [, word, name] = pattern.exec(given) ?? [];
    if (name === undefined) return wrong(`"${given}" names no object; write ${kinds[0]}/NAME.`);
    if (word === undefined) return { name };
    const kind = kinds.find((candidate) => candidate === word.toLowerCase());
    return kind ? { kind, name } : wrong(`"${word}" is not one of ${listed(kinds)}.`);
  });
}

/** HTTP headers. Values are secret, so errors quote no line. */
export const headers = inputType('lines of NAME: VALUE', (given) => {
  const lines = given.split('\n').map((line) => line.trim());
  const found: Record<string, string> = {};
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(\S.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return wrong(`line ${index + 1} is not of the form NAME: VALUE.`);
    found[name] = value;
  }
  return found;
});

/** One text for both arms, or one each. */
export type PerArm = string | { readonly stable: string; readonly canary: string };

export const perArm = inputType('PromQL for both arms, or two lines: stable: … and canary: …', (given): PerArm => {
  const lines = given.split('\n').map((line) => line.trim());
  const text = lines.filter((line) => line !== '').join('\n');
  const [, stable, canary] = /^stable:\s*(\S.*)\ncanary:\s*(\S.*)$/.exec(text) ?? [];
  if (stable !== undefined && canary !== undefined) return { stable, canary };
  if (/^(stable|canary):\s/m.test(given)) wrong('needs two lines, "stable: …" and then "canary: …".');
  return given;
});

/** `a, b or c` */
export function listed(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}
