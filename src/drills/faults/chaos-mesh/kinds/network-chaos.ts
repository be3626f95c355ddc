import { defineChaosKind, type Traits } from './chaos-kind.ts';
import { anyText, fields, lengthOfTime, listOf, oneOf, percentText, quoted, rate, whole } from './fields.ts';

const MOST = 2 ** 32 - 1;

/** Chaos Mesh's webhook writes it; a cluster may have no webhooks, and then a missing one is an error of the injection. */
const correlation = percentText.default('0');

const external = anyText
  .refine((text) => !text.includes('://'), {
    error: ({ input }) => `${quoted(input)} is a URL; write the host alone, or HOST:PORT`,
  })
  .refine((text) => /^[\w.:[\]/*-]{1,300}$/.test(text), {
    error: ({ input }) => `${quoted(input)} is no host, address or range of addresses`,
  });

const conditions = {
  delay: fields({
    latency: lengthOfTime,
    jitter: lengthOfTime.default('0ms'),
    correlation,
    reorder: fields({ reorder: percentText, correlation, gap: whole(0, 1_000_000) }).optional(),
  }).optional(),
  loss: fields({ loss: percentText, correlation }).optional(),
  duplicate: fields({ duplicate: percentText, correlation }).optional(),
  corrupt: fields({ corrupt: percentText, correlation }).optional(),
  rate: fields({ rate }).optional(),
  bandwidth: fields({
    rate,
    limit: whole(1, MOST),
    buffer: whole(1, MOST),
    peakrate: whole(0, Number.MAX_SAFE_INTEGER).optional(),
    minburst: whole(0, MOST).optional(),
  }).optional(),
};

const netem = ['delay', 'loss', 'duplicate', 'corrupt', 'rate'] as const;

/** https://chaos-mesh.org/docs/simulate-network-chaos-on-kubernetes/ */
export const networkChaos = defineChaosKind({
  kind: 'NetworkChaos',
  plural: 'networkchaos',
  field: 'networkChaos',
  rules: { kind: 'PodNetworkChaos', plural: 'podnetworkchaos', lists: ['tcs', 'iptables', 'ipsets'] },
  hasTarget: true,
  parameters: {
    action: oneOf(['netem', 'delay', 'loss', 'duplicate', 'corrupt', 'partition', 'bandwidth']),
    direction: oneOf(['to', 'from', 'both']).default('to'),
    ...conditions,
    // No default: earlier versions don't know the field.
    partitionBehavior: oneOf(['drop', 'reject']).optional(),
    device: device(),
    targetDevice: device(),
    externalTargets: listOf(external).optional(),
  },
  traits(parameters, hasTarget): Traits {
    const { action, direction, externalTargets = [] } = parameters;
    const isAll = !hasTarget && externalTargets.length === 0;
    const problems: string[] = [];
    if (action === 'netem' && netem.every((condition) => parameters[condition] === undefined)) {
      problems.push(`action is netem, which needs at least one of ${netem.join(', ')}`);
    }
    if (action !== 'netem' && action !== 'partition' && parameters[action] === undefined) {
      problems.push(`${action} is missing: "action: ${action}" needs it`);
    }
    if (action !== 'partition' && direction !== 'to') {
      if (!hasTarget) problems.push(`direction is ${direction}, which needs a "target"; without one write "to"`);
      if (externalTargets.length > 0) {
        problems.push(`externalTargets can't be used with "direction: ${direction}"; write "to"`);
      }
    }
    const warnings =
      action === 'partition' && isAll
        ? ['The partition has no target: all traffic of the pods is dropped, also that of their probes.']
        : [];
    // A partition drops on the target's side as well, whatever its direction.
    return { hitsTarget: action === 'partition' || direction !== 'to', problems, warnings };
  },
});

/** `ip link` writes a device and its peer (`net1@if5`); Chaos Mesh's webhook takes the first part. */
function device() {
  return anyText.transform((text) => text.split('@', 1)[0] ?? '').optional();
}
