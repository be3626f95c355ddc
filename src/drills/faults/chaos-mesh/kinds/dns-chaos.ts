import { defineChaosKind } from './chaos-kind.ts';
import { anyText, containerNames, listOf, oneOf, quoted } from './fields.ts';

const pattern = anyText.refine((text) => !text.slice(0, -1).includes('*'), {
  error: ({ input }) =>
    `${quoted(input)} has "*" before its end, which Chaos Mesh does not know; write it only at the end`,
});

/** https://chaos-mesh.org/docs/simulate-dns-chaos-on-kubernetes/ */
export const dnsChaos = defineChaosKind({
  kind: 'DNSChaos',
  plural: 'dnschaos',
  field: 'dnsChaos',
  parameters: { action: oneOf(['error', 'random']), patterns: listOf(pattern).optional(), containerNames },
  traits: () => ({}),
});
