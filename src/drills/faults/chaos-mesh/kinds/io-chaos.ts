import * as z from 'zod';
import { defineChaosKind } from './chaos-kind.ts';
import { anyText, containerNames, duration, fields, listOf, oneOf, quoted, whole } from './fields.ts';

const path = anyText.refine((text) => text.startsWith('/'), {
  error: ({ input }) => `${quoted(input)} is no path that begins with "/"`,
});

/** https://chaos-mesh.org/docs/simulate-io-chaos-on-kubernetes/ */
export const ioChaos = defineChaosKind({
  kind: 'IOChaos',
  plural: 'iochaos',
  field: 'ioChaos',
  rules: { kind: 'PodIOChaos', plural: 'podiochaos', lists: ['actions'] },
  parameters: {
    action: oneOf(['latency', 'fault', 'attrOverride', 'mistake']),
    volumePath: path,
    path: path.optional(),
    percent: whole(0, 100).default(100),
    methods: listOf(anyText).optional(),
    delay: duration.optional(),
    errno: whole(0, 4095).optional(),
    attr: z.record(z.string(), z.unknown(), { error: 'is no object with fields' }).optional(),
    mistake: fields({
      filling: oneOf(['zero', 'random']).optional(),
      maxOccurrences: whole(1, Number.MAX_SAFE_INTEGER).optional(),
      maxLength: whole(1, Number.MAX_SAFE_INTEGER).optional(),
    }).optional(),
    containerNames,
  },
  traits({ action, delay, errno, attr, mistake }) {
    const needed = { latency: delay, fault: errno || undefined, attrOverride: attr, mistake }[action];
    const field = { latency: 'delay', fault: 'errno', attrOverride: 'attr', mistake: 'mistake' }[action];
    const example = { latency: ', such as "100ms"', fault: ', such as 5 (EIO)', attrOverride: '', mistake: '' }[action];
    return {
      problems: needed === undefined ? [`${field} is missing: "action: ${action}" needs it${example}`] : [],
    };
  },
});
