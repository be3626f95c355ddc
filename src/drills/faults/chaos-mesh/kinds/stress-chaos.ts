import { defineChaosKind } from './chaos-kind.ts';
import { anyText, containerNames, fields, listOf, quoted, whole } from './fields.ts';

const workers = whole(1, 8192);
const options = listOf(anyText).optional();

const size = anyText.refine(
  (text) => /^(?:\d{1,2}|100)%$/.test(text) || /^\d{1,9}(?:\.\d{1,6})?\s?(?:[kKmMgGtTpP]i?)?[bB]?$/.test(text),
  { error: ({ input }) => `${quoted(input)} is no size such as "256MB" or "50%"` },
);

/** https://chaos-mesh.org/docs/simulate-heavy-stress-on-kubernetes/ */
export const stressChaos = defineChaosKind({
  kind: 'StressChaos',
  plural: 'stresschaos',
  field: 'stressChaos',
  parameters: {
    stressors: fields({
      cpu: fields({ workers, load: whole(0, 100).optional(), options }).optional(),
      memory: fields({
        workers,
        size: size.optional(),
        oomScoreAdj: whole(-1000, 1000).optional(),
        options,
      }).optional(),
    }).optional(),
    stressngStressors: anyText.optional(),
    containerNames,
  },
  traits: ({ stressors, stressngStressors }) => ({
    problems:
      stressngStressors === undefined && stressors?.cpu === undefined && stressors?.memory === undefined
        ? ['stressors is missing "cpu" and "memory": it needs one of them']
        : [],
  }),
});
