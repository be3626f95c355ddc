// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are what a composite action is made of
import type { GivenInputs } from '../../runner/parse-inputs.ts';

/** What the first step knows about the values that it passes on. */
export interface KnownAtBegin {
  /** Inputs of the composite action, without its secrets. */
  readonly given: GivenInputs;
  /** Outputs of the first step. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The image that will be built, or the given one. */
  readonly image: string | undefined;
  /** The workload of a canary release that is installed beside the stable release. */
  readonly canaryWorkload: string;
}

/** The value of one input of a part. */
interface PartValue {
  /** The expression in action.yml. */
  readonly expression: string;
  /** The value, if the first step knows it: it does not get secrets and paths of reports. */
  known(begin: KnownAtBegin): string | undefined;
}

/** Name of the part's input → its value. */
export type PartInputs = Readonly<Record<string, PartValue>>;

const fixed = (text: string): PartValue => ({ expression: text, known: () => text });

/** An input of the composite action. */
const input = (name: string): PartValue => ({
  expression: `\${{ inputs.${name} }}`,
  known: ({ given }) => given[name],
});

/** Inputs of the composite action that a part takes under the same name. */
export function inputs(...names: readonly string[]): PartInputs {
  return Object.fromEntries(names.map((name) => [name, input(name)]));
}

const output = (name: string): PartValue => ({
  expression: `\${{ steps.begin.outputs.${name} }}`,
  known: ({ outputs }) => outputs[name],
});

/** Outputs of the first step. */
function begun(...names: readonly string[]): PartInputs {
  return Object.fromEntries(names.map((name) => [name, output(name)]));
}

/** A separate path for the report of a part whose report is not shown by itself. */
const reportAs = (name: string): PartInputs => ({
  report: { expression: `\${{ runner.temp }}/sluice-release-${name}.json`, known: () => undefined },
});

const cluster = inputs('kubeconfig', 'context', 'namespace');
const requests = inputs('meter', 'metrics', 'prometheus', 'prometheus-token', 'connections');
const plan = {
  ...begun('steps'),
  ...inputs('plan-file', 'min-requests'),
  ...requests,
  ...inputs('checks', 'on-no-data', 'timeout'),
};
/** Where there is a chart, Helm deploys the first release. */
const firstRelease: PartInputs = {
  'first-release': {
    expression: "${{ inputs.chart != '' && inputs.first-release == 'deploy' && 'skip' || inputs.first-release }}",
    known: ({ given }) => given['first-release'],
  },
};
const image: PartInputs = {
  image: { expression: '${{ steps.build.outputs.image || inputs.image }}', known: ({ image: named }) => named },
};
const helm: PartInputs = {
  ...cluster,
  ...inputs('release', 'chart'),
  repository: input('chart-repository'),
  version: input('chart-version'),
  ...inputs('values-files', 'values'),
  ...image,
  ...inputs('image-values'),
};
const deployTimeout = { timeout: input('deploy-timeout') };
const stable = { stable: output('workload') };
const services = { 'stable-service': output('service'), ...begun('canary-service', 'route') };
/** The stable release, and the chart that is installed beside it. */
const arms: PartInputs = {
  ...cluster,
  ...stable,
  canary: { expression: '${{ steps.beside.outputs.canary }}', known: ({ canaryWorkload }) => canaryWorkload },
  ...services,
};

/** The inputs of each step except the first and the last, by its id in action.yml. */
export const partInputs = {
  build: {
    ...inputs('image'),
    context: input('build-context'),
    ...inputs('file', 'target', 'platforms', 'build-args'),
    secrets: input('build-secrets'),
    ...inputs('reuse-secret', 'cache', 'sbom'),
    username: input('registry-username'),
    password: input('registry-password'),
    ...inputs('insecure-registries'),
  },
  canary: { ...cluster, ...begun('workload'), ...firstRelease, ...image, ...begun('service', 'route'), ...plan },
  'undo-left': {
    mode: fixed('undo'),
    ...firstRelease,
    ...cluster,
    ...stable,
    canary: {
      expression: '${{ steps.begin.outputs.workload }}-canary',
      known: ({ outputs }) => `${outputs.workload}-canary`,
    },
    ...services,
    ...requests,
    ...reportAs('left'),
  },
  beside: { mode: fixed('canary'), ...helm, ...inputs('canary-values'), ...deployTimeout, ...reportAs('beside') },
  shift: { mode: fixed('shift'), ...arms, ...plan },
  deploy: { ...helm, ...deployTimeout, ...reportAs('deploy') },
  finish: { mode: fixed('finish'), ...arms, ...plan },
  undo: { mode: fixed('undo'), ...arms, ...requests, ...reportAs('undo') },
  remove: {
    mode: fixed('uninstall'),
    ...cluster,
    release: { expression: '${{ inputs.release }}-canary', known: ({ given }) => `${given.release}-canary` },
    ...deployTimeout,
    ...reportAs('remove'),
  },
} satisfies Readonly<Record<string, PartInputs>>;

/** Inputs of a part as written in action.yml. */
export function expressionsOf(values: PartInputs): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, { expression }]) => [name, expression]));
}

/** Inputs of a part, as far as the first step knows them. */
export function knownOf(values: PartInputs, begin: KnownAtBegin): GivenInputs {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const known = value.known(begin);
      return known === undefined ? [] : [[name, known]];
    }),
  );
}
