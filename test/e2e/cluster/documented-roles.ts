import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { actionFolder } from '../../../lab/embedded/runner.ts';

const rule = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
export type Rule = z.infer<typeof rule>;

const role = z.object({
  apiVersion: z.literal('rbac.authorization.k8s.io/v1'),
  kind: z.literal('Role'),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  rules: z.array(rule),
});

/** Rules in which the objects of Sluice's own are named for these releases instead of `checkout`, as a reader of the README does. */
export function rulesFor(names: readonly string[], rules: readonly Rule[]): Rule[] {
  return rules.map(({ resourceNames, ...rest }) => ({
    ...rest,
    ...(resourceNames && {
      resourceNames: resourceNames.flatMap((own) => names.map((name) => own.replace(/checkout$/, name))),
    }),
  }));
}

/**
 * The rules that an action's README gives for one kind of use, by its headline there.
 *
 * @throws Error when the README has no such headline
 */
export async function documentedRules(title: string, action = 'canary'): Promise<Rule[]> {
  const readme = await readFile(join(actionFolder(action), 'README.md'), 'utf8');
  const section = readme.split(`<details><summary>${title}</summary>`)[1]?.split('</details>')[0];
  const text = /```yaml\n([\s\S]*?)```/.exec(section ?? '')?.[1];
  if (text === undefined) throw new Error(`The README of actions/${action} has no Role for "${title}".`);
  return parseAllDocuments(text)
    .map((document) => role.parse(document.toJS()))
    .filter(({ metadata }) => metadata.namespace === 'shop')
    .flatMap(({ rules }) => rules);
}
