// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions are what users write
import * as z from 'zod';
import { input } from '../../runner/input-schema.ts';
import { boolean, choice, duration, text } from '../../runner/input-types.ts';
import { buildPushInputs } from '../build-push/inputs.ts';
import { canaryInputs } from '../canary/inputs.ts';
import { helmInputs } from '../helm-deploy/inputs.ts';

const { kubeconfig, context, namespace, ...canary } = canaryInputs.shape;
const build = buildPushInputs.shape;
const helm = helmInputs.shape;

/** Inputs that are secrets; only the parts get them. */
const secretInputs = {
  kubeconfig,
  'build-secrets': input(text, {
    group: 'source',
    description: 'Secrets for `RUN --mount=type=secret,id=NAME`: lines of NAME=VALUE. Masked, and in no layer.',
    example: 'npm=${{ secrets.NPM_TOKEN }}',
  }),
  'reuse-secret': build['reuse-secret'],
  'registry-password': input(text, {
    group: 'registry',
    description: 'Password or token of `registry-username`. Masked.',
    example: '${{ github.token }}',
  }),
  'prometheus-token': canary['prometheus-token'],
  connections: canary.connections,
};

const openInputs = {
  context,
  namespace,
  release: input(text, {
    group: 'parts',
    description:
      'Name of the release: that of the Helm release, and of its workload, Service and route as long as nothing else is said of them. Required.',
    example: 'checkout',
  }),
  image: input(text, {
    group: 'parts',
    description:
      'Repository that the image is pushed to, without a tag; with `build: false` the image that is released. Required.',
    example: 'ghcr.io/acme/checkout',
  }),
  build: input(boolean, {
    group: 'parts',
    description: 'Build and push the image. `false`: it is there already.',
    default: 'true',
    example: 'false',
  }),
  canary: input(choice('workload', 'release', 'none'), {
    group: 'parts',
    description:
      'What the new version is compared as. `workload`: Sluice makes the canary from the workload that serves, with the new image. `release`: the whole chart is installed once more beside the release, with all that is new in it, and removed after the verdict. `none`: not at all.',
    default: 'workload',
    example: 'release',
  }),
  'first-release': input(choice('deploy', 'refuse'), {
    group: 'parts',
    description:
      'What to do where nothing serves yet, so that there is nothing to compare with: `deploy` at once, and the summary says so, or `refuse`.',
    default: 'deploy',
    example: 'refuse',
  }),
  chart: input(text, {
    group: 'parts',
    description:
      'The chart, as actions/helm-deploy takes it. Without it there is no Helm release: the promotion itself changes the workload.',
    example: 'deploy/chart',
  }),

  'build-context': build.context,
  file: build.file,
  target: build.target,
  platforms: build.platforms,
  'build-args': build['build-args'],
  cache: build.cache,
  sbom: build.sbom,
  'registry-username': build.username,
  'insecure-registries': build['insecure-registries'],

  'chart-repository': helm.repository,
  'chart-version': helm.version,
  'values-files': helm['values-files'],
  values: helm.values,
  'image-values': helm['image-values'],
  'canary-values': helm['canary-values'],
  'deploy-timeout': input(duration, {
    group: 'behaviour',
    description: 'How long Helm may take for hooks, and for the workloads to get ready; the way back gets it anew.',
    default: '10m',
    example: '5m',
  }),

  workload: input(text, {
    group: 'route',
    description: 'The workload that serves. Without it, `deployment/RELEASE`.',
    example: 'statefulset/checkout',
  }),
  service: input(text, {
    group: 'route',
    description: 'Service of the release. Without it, the one that is called like the release.',
    example: 'checkout:8080',
  }),
  'canary-service': input(text, {
    group: 'route',
    description:
      'With `canary: release`: the Service of the canary. Without it, that of the release with `-canary` behind.',
    example: 'checkout-canary',
  }),
  route: input(text, {
    group: 'route',
    description: 'The object that holds the weights. Without it, `virtualservice/RELEASE`.',
    example: 'httproute/checkout',
  }),

  steps: canary.steps,
  'plan-file': canary['plan-file'],
  'min-requests': canary['min-requests'],
  timeout: canary.timeout,
  meter: canary.meter,
  metrics: canary.metrics,
  prometheus: canary.prometheus,
  checks: canary.checks,
  'on-no-data': canary['on-no-data'],
};

/** Every input of the composite action in the repository's root. */
export const releaseInputs = z.strictObject({ ...openInputs, ...secretInputs });

/** Every input of `actions/release-parts`. */
export const releasePartsInputs = z.strictObject({
  at: input(choice('begin', 'end'), {
    group: 'step',
    description:
      '`begin` checks all inputs together and says what the parts are called; `end` tells what became of them.',
    default: 'begin',
    example: 'end',
  }),
  outcomes: input(text, {
    group: 'step',
    description: 'With `end`: outcomes and outputs of all parts, the context `steps` as JSON.',
    example: '${{ toJSON(steps) }}',
  }),
  report: canary.report,
  ...openInputs,
});
export type ReleasePartsInputs = z.infer<typeof releasePartsInputs>;
