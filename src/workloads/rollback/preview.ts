import * as z from 'zod';
import type { Json } from '../../core/json.ts';
import { jsonSchema, parseJson, stringifyJson } from '../../core/json.ts';
import type { PodTemplate } from '../workload.ts';

/** Both templates as they may be shown: values of environment variables may be secret. */
export function shownTemplates(before: PodTemplate | undefined, after: PodTemplate | undefined): [Json, Json] {
  const values = new Set(variables(before));
  const same = new Set(variables(after).filter((value) => values.has(value)));
  const shown = (template: PodTemplate | undefined, word: string): Json =>
    jsonSchema.parse(
      parseJson(
        stringifyJson({ spec: { template: template ?? null } }, (key, value) =>
          key === 'env' && Array.isArray(value)
            ? value.map((entry) => hidden(entry, (text) => (same.has(text) ? '(hidden)' : `(hidden, ${word})`)))
            : value,
        ),
      ),
    );
  return [shown(before, 'as found'), shown(after, 'changed')];
}

const variable = z.looseObject({ value: z.string() });

function hidden(entry: unknown, word: (text: string) => string): unknown {
  const parsed = variable.safeParse(entry);
  return parsed.success ? { ...parsed.data, value: word(stringifyJson(parsed.data)) } : entry;
}

function variables(template: PodTemplate | undefined): string[] {
  const { containers = [], initContainers = [] } = template?.spec ?? {};
  const env = z.looseObject({ env: z.array(z.unknown()).default([]) });
  return [...containers, ...initContainers].flatMap((container) =>
    (env.safeParse(container).data?.env ?? []).flatMap((entry) => {
      const parsed = variable.safeParse(entry);
      return parsed.success ? [stringifyJson(parsed.data)] : [];
    }),
  );
}
