import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { unnamed } from '../apply/objects.ts';
import { SluiceError } from '../core/errors.ts';
import { readYaml } from '../core/yaml.ts';
import type { Release } from './release.ts';

type Hooks = Pick<Release, 'hooks'>;
const named = z.looseObject({ metadata: z.looseObject({ name: z.string().min(1) }) });

/**
 * Whether two renderings have the same hooks. The hooks' names are not compared: a name that is random or contains the
 * revision's number only makes the hook run again.
 *
 * @param random templates whose hooks are not compared
 */
export function sameHooks(one: Hooks, other: Hooks, random: ReadonlySet<string> = new Set()): boolean {
  return isDeepStrictEqual(textsOf(one, random), textsOf(other, random));
}

/** The templates whose hooks differ between two renderings of the same input. */
export function randomHooks(one: Hooks, other: Hooks): ReadonlySet<string> {
  const [first, second] = [byTemplate(one), byTemplate(other)];
  const paths = new Set([...first.keys(), ...second.keys()]);
  return new Set([...paths].filter((path) => !isDeepStrictEqual(first.get(path), second.get(path))));
}

/**
 * Refuses a hook without a name: Helm assumes a name, and fails when it runs the hook.
 *
 * @param events at which hooks will run, such as `pre-install`
 * @throws SluiceError `invalid-input`
 */
export function refuseUnnamedHooks({ hooks }: Hooks, events: readonly string[]): void {
  const wrong = (hooks ?? []).filter(
    (hook) => hook.events?.some((event) => events.includes(event)) && isUnnamed(hook.manifest),
  );
  if (wrong.length === 0) return;
  throw new SluiceError('invalid-input', {
    about: `hooks of the chart (${wrong.map(({ path }) => path).join(', ')})`,
    problem: 'have "generateName" and no "name", and Helm runs no hook without a name.',
    next: 'Give them a name; with "helm.sh/hook-delete-policy: before-hook-creation" it can be the same each time. Nothing was changed.',
  });
}

/** The events at which hooks run in a deploy. */
export function hookEvents(isNew: boolean, isTested: boolean): string[] {
  const change = isNew ? 'install' : 'upgrade';
  return [`pre-${change}`, `post-${change}`, ...(isTested ? ['test', 'test-success'] : [])];
}

function isUnnamed(manifest: string): boolean {
  return unnamed.safeParse(objectIn(manifest)).success;
}

function textsOf({ hooks }: Hooks, random: ReadonlySet<string>): string[] {
  return (hooks ?? []).flatMap((hook) => (random.has(hook.path) ? [hook.path] : [textOf(hook)])).toSorted();
}

function byTemplate({ hooks }: Hooks): Map<string, string[]> {
  const groups = Map.groupBy(hooks ?? [], ({ path }) => path);
  return new Map([...groups].map(([path, ofPath]) => [path, ofPath.map(textOf).toSorted()]));
}

function textOf({ path, events, manifest }: NonNullable<Release['hooks']>[number]): string {
  const name = nameIn(manifest);
  const text = name === undefined ? manifest : manifest.replaceAll(name, 'NAME');
  return [path, events, text].join('\n');
}

function nameIn(manifest: string): string | undefined {
  return named.safeParse(objectIn(manifest)).data?.metadata.name;
}

function objectIn(manifest: string): unknown {
  try {
    return readYaml(manifest)[0];
  } catch {
    // Helm parses a hook when it runs it, and then reports what is wrong.
    return undefined;
  }
}
