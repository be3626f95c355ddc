import * as z from 'zod';
import { LAST_HEALTHY } from '../../rollback/choose.ts';
import { input } from '../../runner/input-schema.ts';
import { duration, inputType, wrong } from '../../runner/input-types.ts';
import { type GivenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';
import { reportInput } from '../../runner/shared-inputs.ts';
import { routerOf } from '../canary/contradictions.ts';
import { canaryInputs, workload } from '../canary/inputs.ts';
import { routersByKind } from '../canary/route-inputs.ts';

const revision = inputType('last-healthy, the number of a revision, sha256:DIGEST or template-HASH', (given) => {
  const isName = given === LAST_HEALTHY || /^([1-9]\d*|sha256:[0-9a-f]{64}|template-[0-9a-f]{16})$/.test(given);
  return isName ? given : wrong(`"${given}" names no revision.`);
});

const { kubeconfig, context, namespace, ...others } = canaryInputs.shape;

/** Every input of `actions/rollback`. Inputs that `actions/canary` also has mean the same. */
export const rollbackInputs = z.strictObject({
  kubeconfig,
  context,
  namespace,

  workload: input(workload, {
    group: 'target',
    description: 'The workload to take back to an earlier version. Required.',
    example: 'deployment/checkout',
  }),
  revision: input(revision, {
    group: 'target',
    description:
      'Which version: `last-healthy`, a number as `kubectl rollout history` shows it, the digest of an image, or what an earlier report calls the template.',
    default: LAST_HEALTHY,
    example: '7',
  }),

  router: others.router,
  route: others.route,
  'route-rules': others['route-rules'],
  service: others.service,
  'stable-service': others['stable-service'],
  'canary-service': others['canary-service'],
  'stable-subset': others['stable-subset'],
  'canary-subset': others['canary-subset'],
  'canary-ingress': others['canary-ingress'],
  gitops: others.gitops,

  'ready-timeout': others['ready-timeout'],
  'confirm-timeout': others['confirm-timeout'],
  'undo-timeout': input(duration, {
    group: 'behaviour',
    description: 'How long a rollout that is under way may take to end.',
    default: '5m',
    example: '10m',
  }),
  drain: others.drain,
  'dry-run': others['dry-run'],
  report: reportInput('rollback-report.json'),
});
export type RollbackInputs = z.infer<typeof rollbackInputs>;

/** Every output of `actions/rollback` with its description. */
export const rollbackOutputs = {
  verdict: 'How it ended: `rolled-back`, `unchanged` (that version serves already) or `failed`. Empty after a dry run.',
  reason: 'Which version was chosen and why, or what went wrong, in a sentence.',
  revision: 'Number of the revision that serves now. A version that is gone back to gets a new, highest number.',
  'previous-revision': 'Number of the revision that was left. Give it to `revision` to return to it.',
  digest: 'Image digest that was seen to serve. Empty unless it was seen.',
  report: 'Path of the JSON report.',
} as const;

const routeDetails = [
  'route-rules',
  'stable-service',
  'canary-service',
  'stable-subset',
  'canary-subset',
  'canary-ingress',
] as const;

/**
 * Reads all inputs of the rollback action at once.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong
 */
export function loadRollbackInputs(given: GivenInputs): RollbackInputs & { readonly workload: NamedWorkload } {
  const inputs = parseInputs(rollbackInputs, given, ACTION);
  const { workload: named, route, service } = inputs;
  const router = routerOf(inputs);
  const problems: string[] = [];
  if (!named) problems.push('Nothing says what to take back: give "workload", as deployment/NAME.');
  const details = routeDetails.filter((name) => inputs[name] !== undefined);
  if (router === undefined && details.length > 0)
    problems.push(`"${details.join('", "')}" are about a route: give "route" with its kind, as virtualservice/NAME.`);
  if (route && router === undefined) problems.push('"route" has to say its kind: virtualservice/NAME.');
  if (route?.kind && router && routersByKind[route.kind] !== router)
    problems.push(`"router: ${router}" has no ${route.kind}; leave "router" out, or name a route of its own kind.`);
  if (router !== undefined && router !== 'replicas' && !route) problems.push(`"router: ${router}" needs "route".`);
  if (router !== undefined && !service && !inputs['stable-service'])
    problems.push('"route" needs "service" (or "stable-service"), as the step of actions/canary has it.');
  if ((inputs['stable-service'] === undefined) !== (inputs['canary-service'] === undefined))
    problems.push('"stable-service" and "canary-service" belong together: give both.');
  if (problems.length > 0 || !named) throw inputRefusal(problems, ACTION);
  return { ...inputs, workload: named };
}

type NamedWorkload = NonNullable<RollbackInputs['workload']>;

const ACTION = 'rollback';
