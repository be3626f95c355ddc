import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { readYaml } from '../core/yaml.ts';
import type { Release } from './release.ts';

type Hooks = Pick<Release, 'hooks'>;
const named = z.looseObject({ metadata: z.looseObject({ name: z.string().min(1) }) });

/**
 * Two renderings have the same hooks. Their own names do not count: a name that is random, or holds the number of the revision,
 * lets a hook run again, and is no change of it.
 *
 * @param random templates whose hooks do not count
 */
export function sameHooks(one: Hooks, other: Hooks, random: ReadonlySet<string> = new Set()): boolean {
  return isDeepStrictEqual(textsOf(one, random), textsOf(other, random));
}

/** The templates whose hooks are different in two renderings of the same. */
export function randomHooks(one: Hooks, other: Hooks): ReadonlySet<string> {
  const [first, second] = [byTemplate(one), byTemplate(other)];
  const paths = new Set([...first.keys(), ...second.keys()]);
  return new Set([...paths].filter((path) => !isDeepStrictEqual(first.get(path), second.get(path))));
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
  try {
    const [document] = readYaml(manifest);
    return named.safeParse(document).data?.metadata.name;
  } catch {
    // Helm reads hooks when it runs them, and says then what is wrong.
    return undefined;
  }
}
