import type { FaultOutcome } from '../events.ts';
export type Fact = { readonly kind: string };
export function advise(_facts: readonly Fact[], _faults: readonly FaultOutcome[]): string[] { return []; }
