import * as z from 'zod';
import { input } from '../../runner/input-schema.ts';
import { boolean, choice, duration, inputType, text, wrong } from '../../runner/input-types.ts';
import { type GivenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';
import { canaryInputs } from '../canary/inputs.ts';

const { kubeconfig, context, namespace } = canaryInputs.shape;

const rolloutName = inputType('the name of a route: checkout', (given) =>
  /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(given) ? given : wrong(`"${given}" is no name; leave its kind out.`),
);

/** Every input of `actions/steer`. */
export const steerInputs = z.strictObject({
  kubeconfig,
  context,
  namespace,
  rollout: input(rolloutName, {
    group: 'command',
    description: 'Name of the rollout: that of its route, or of its `service` where there is no route. Required.',
    example: 'checkout',
  }),
  command: input(choice('approve', 'abort', 'freeze'), {
    group: 'command',
    description:
      '`approve` lets the step that holds go on, or the next one that will hold; `abort` rolls back; `freeze` stops at the present weight. Required.',
    example: 'approve',
  }),
  'only-this-run': input(boolean, {
    group: 'command',
    description:
      'Give the command only to a rollout that this run of the workflow has started. Set it to true behind an approval, which may come when a newer rollout runs already.',
    default: 'false',
    example: 'true',
  }),
  by: input(text, {
    group: 'command',
    description: 'Who gives the command, for the report. Without it, the person who started this run of the workflow.',
    example: 'alice',
  }),
  why: input(text, {
    group: 'command',
    description: 'Why, for the report.',
    example: 'support reports broken baskets',
  }),
  timeout: input(duration, {
    group: 'command',
    description: 'How long to wait for a rollout that runs, and as long again for it to take the command.',
    default: '2m',
    example: '10m',
  }),
});
type SteerInputs = z.infer<typeof steerInputs>;
export type LoadedSteerInputs = SteerInputs & {
  readonly rollout: string;
  readonly command: NonNullable<SteerInputs['command']>;
};

/** Every output of `actions/steer` with its description. */
export const steerOutputs = {
  rollout: 'Who started the rollout that took the command, and where it can be seen.',
} as const;

/** @throws SluiceError `invalid-input` that names everything that is wrong */
export function loadSteerInputs(given: GivenInputs): LoadedSteerInputs {
  const inputs = parseInputs(steerInputs, given, 'steer');
  const { rollout, command } = inputs;
  const problems = [
    ...(rollout === undefined ? ['Input "rollout" is needed. Example: rollout: checkout'] : []),
    ...(command === undefined ? ['Input "command" is needed: approve, abort or freeze.'] : []),
  ];
  if (rollout === undefined || command === undefined) throw inputRefusal(problems, 'steer');
  return { ...inputs, rollout, command };
}
