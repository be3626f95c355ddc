/** The source of each action's documentation: the definitions in `src/actions/NAME/action.ts`. */
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { ActionInterface, CompositeAction, CompositePart } from '../src/runner/define.ts';
import { type InputsSchema, type ListedInput, listInputs } from '../src/runner/input-schema.ts';
import { roleSections } from './roles.ts';

export interface DocumentedAction {
  /** Its folder in `actions`; empty for the action in the root. */
  readonly name: string;
  readonly inputs: readonly ListedInput[];
  /** Name → description. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Group of inputs → title of its table, in the order of the documentation. */
  readonly groups: Readonly<Record<string, string>>;
  /** The RBAC Roles that it needs, as Markdown. */
  readonly roles?: string;
  /** The steps of a composite action. */
  readonly parts?: readonly CompositePart[];
}

const isFunction = (value: unknown) => typeof value === 'function';
const described = z.record(z.string(), z.string());
const face = {
  inputs: z.custom<InputsSchema>((value) => value instanceof z.ZodObject),
  outputs: described,
  groups: described,
};
const definition: z.ZodType<{ readonly action: ActionInterface }> = z.object({
  action: z.object({
    name: z.string(),
    ...face,
    permissions: z.custom<NonNullable<ActionInterface['permissions']>>(isFunction).optional(),
    composite: z.object({ ...face, parts: z.custom<CompositeAction['parts']>(Array.isArray) }).optional(),
  }),
});

/** Every action with the content of its documentation, the one in the root first. */
async function documented(): Promise<DocumentedAction[]> {
  const folder = join(import.meta.dirname, '../src/actions');
  const files = await Array.fromAsync(glob('*/action.ts', { cwd: folder }));
  const actions = await Promise.all(
    files.toSorted().map(async (file) => definition.parse(await import(join(folder, file))).action),
  );
  const roots = actions.flatMap(({ composite }) => (composite ? [{ name: '', ...composite }] : []));
  return [...roots, ...actions].map(({ inputs, ...action }: ActionInterface & Partial<CompositeAction>) => ({
    ...action,
    inputs: listInputs(inputs),
    ...(action.permissions && { roles: roleSections(action.permissions) }),
  }));
}

export const documentedActions: readonly DocumentedAction[] = await documented();
