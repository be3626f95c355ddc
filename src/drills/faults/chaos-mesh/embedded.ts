import { formatDuration } from '../../../core/duration.ts';
import type { Json } from '../../../core/json.ts';
import { namespacesOf } from './bounds.ts';
import { type ChaosKind, type ChaosSpec, recordOf } from './kinds/chaos-kind.ts';
import type { Selection } from './kinds/selection.ts';

/** A fault inside a Schedule or a Workflow. */
export interface EmbeddedFault {
  readonly chaos: ChaosKind;
  readonly spec: ChaosSpec;
}

type JsonObject = { readonly [field: string]: Json };

/** A selection as it is written into a fault that chooses its pods itself. @param own namespace of the fault */
function openSelection(selection: Selection, own: string): JsonObject {
  const { selector, mode, value } = selection;
  const namespaces = [...namespacesOf(selection, own)];
  return recordOf({ selector: { ...selector, namespaces }, mode, value });
}

/** The `spec` of a fault that chooses its pods itself. @param lasts milliseconds; undefined for none */
export function openSpec({ parameters, selection, target }: ChaosSpec, own: string, lasts?: number): JsonObject {
  return {
    ...parameters,
    ...openSelection(selection, own),
    ...(target !== undefined && { target: openSelection(target, own) }),
    ...(lasts !== undefined && { duration: formatDuration(Math.round(lasts)) }),
  };
}
