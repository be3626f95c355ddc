import * as z from 'zod';
import { readYaml } from '../../core/yaml.ts';
import { IMAGE_PARTS } from '../../helm/values/flags.ts';
import { readSettings } from '../../helm/values/settings.ts';
import { input } from '../../runner/input-schema.ts';
import {
  boolean,
  choice,
  duration,
  image,
  inputType,
  itemsOf,
  list,
  listed,
  text,
  wholeNumber,
  wrong,
} from '../../runner/input-types.ts';
import { clusterInputs, reportInput } from '../../runner/shared-inputs.ts';

export const LONGEST_RELEASE = 53;

/** The suffix of the name of a canary's release. */
export const CANARY = '-canary';

/** Helm's rule for names, and a length that leaves room for the names of its records. */
const releaseName = inputType('a name of at most 53 lower-case letters, digits, "-" and "."', (given) =>
  given.length <= LONGEST_RELEASE && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(given)
    ? given
    : wrong(`"${given}" can't be the name of a release.`),
);

/** Lines in the format of Helm's `--set`. Values may be secrets, so errors quote none. */
const settings = inputType('lines of KEY=VALUE', (given) => {
  const lines = given
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const bad = lines.findIndex((line) => !/^[^=\s]+=/.test(line));
  if (bad !== -1) return wrong(`line ${bad + 1} is not of the form KEY=VALUE.`);
  for (const line of lines) readSettings(line, 'set');
  return lines;
});

/** Lines of KEY=VALUE whose values may contain parts of the image. */
const imageValues = inputType(
  `lines of KEY=VALUE with ${listed(IMAGE_PARTS.map((name) => `{${name}}`))} in the values`,
  (given) => {
    const lines = itemsOf(given);
    const bad = lines.find((line) => !/^[^=\s]+=./.test(line));
    if (bad !== undefined) wrong(`"${bad}" is not of the form KEY=VALUE.`);
    const unknown = [...given.matchAll(/\{(\w*)\}/g)].find(([, name]) => !IMAGE_PARTS.some((part) => part === name));
    return unknown ? wrong(`"${unknown[0]}" stands for nothing.`) : lines;
  },
);

const yamlValues = inputType('values as a YAML mapping', (given) => {
  const problem = 'is no YAML mapping such as "replicas: 3".';
  try {
    const [value, ...more] = readYaml(given);
    if (more.length > 0) return wrong(problem);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong(problem);
    return given;
  } catch {
    // The parser's message would quote text that may be secret.
    return wrong(problem);
  }
});

const httpUrl = inputType('an http(s) URL', (given) =>
  /^https?:\/\//.test(given) && URL.canParse(given) ? given : wrong('is no URL such as https://charts.example.'),
);

/** Every input of `actions/helm-deploy`. The runner's names, `action.yml` and the documentation follow this list. */
export const helmInputs = z.strictObject({
  ...clusterInputs('the release'),
  'create-namespace': input(boolean, {
    group: 'cluster',
    description: 'Make the namespace where it is missing.',
    default: 'false',
    example: 'true',
  }),
  mode: input(choice('deploy', 'canary', 'rollback', 'uninstall'), {
    group: 'release',
    description:
      'What to do: install or upgrade; install the chart once more beside the release, as `RELEASE-canary`; go back to an earlier revision; or remove the release.',
    default: 'deploy',
    example: 'rollback',
  }),
  release: input(releaseName, { group: 'release', description: 'Name of the release. Required.', example: 'checkout' }),
  revision: input(wholeNumber(1), {
    group: 'release',
    description:
      'Revision that `mode: rollback` goes back to. Without it, the last that was healthy before the one of now; what an earlier rollback left behind is none.',
    example: '12',
  }),
  'keep-history': input(boolean, {
    group: 'release',
    description: '`mode: uninstall` keeps the records of the revisions.',
    default: 'false',
    example: 'true',
  }),
  chart: input(text, {
    group: 'chart',
    description:
      'The chart: a path of a folder or archive, a name in `repository`, `REPO/NAME` of a repository that the runner knows, or `oci://…`. Required for `mode: deploy`.',
    example: 'deploy/chart',
  }),
  repository: input(httpUrl, {
    group: 'chart',
    description: 'URL of the HTTP repository that `chart` is a name in.',
    example: 'https://charts.example',
  }),
  version: input(text, {
    group: 'chart',
    description:
      'Version of the chart or a range, as Helm takes it; or the digest that it must have (`sha256:…`). Without it, the newest.',
    example: '1.4.2',
  }),
  username: input(text, {
    group: 'chart',
    description: 'User for the registry or repository of the chart, if an earlier step has not logged in.',
    example: 'robot',
  }),
  password: input(text, {
    group: 'chart',
    description: 'Password or token of `username`. Masked, and never on a command line.',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a workflow expression is what users write
    example: '${{ secrets.CHARTS_TOKEN }}',
  }),
  'plain-http': input(boolean, {
    group: 'chart',
    description: 'The registry of an `oci://` chart has no TLS.',
    default: 'false',
    example: 'true',
  }),
  'values-files': input(list, {
    group: 'values',
    description: 'Files of values, in order: later ones win. A URL is given to Helm as it is.',
    example: 'deploy/values.yaml, deploy/values-production.yaml',
  }),
  values: input(yamlValues, {
    group: 'values',
    description: 'Values as YAML. They win over `values-files`.',
    example: 'image: {tag: v2}',
  }),
  set: input(settings, {
    group: 'values',
    description:
      "Lines of `KEY=VALUE` in the syntax of Helm's `--set`, which guesses types: `true` and `3` are no texts. They win over `values`. Texts never stand on a command line, numbers do: a secret number belongs into `set-string`.",
    example: 'replicas=3',
  }),
  'set-string': input(settings, {
    group: 'values',
    description: 'As `set`, but every value is a text: for an image tag such as `1234567` or `12e4`.',
    example: 'image.tag=1234567',
  }),
  image: input(image, {
    group: 'values',
    description: 'The image that the release gets, best by its digest, as `image-values` says.',
    example: 'ghcr.io/acme/checkout:1.2.3',
  }),
  'image-values': input(imageValues, {
    group: 'values',
    description:
      'How the chart is told the `image`, in lines as those of `set-string`, which win over these. `{image}` is all of it, `{digest}` its digest; `{repository}` and `{tag}` are the image cut at its last colon, for charts that join the two by one.',
    default: 'image.repository={repository}, image.tag={tag}',
    example: 'image={image}',
  }),
  'canary-values': input(yamlValues, {
    group: 'values',
    description:
      'Values as YAML that only `mode: canary` has, over `values`: what the canary is to do without (routes, autoscaling), and how it is told apart.',
    example: 'ingress: {enabled: false}',
  }),
  wait: input(boolean, {
    group: 'behaviour',
    description: 'Wait until the workloads of the release are ready, and show what each waits for.',
    default: 'true',
    example: 'false',
  }),
  'wait-for-jobs': input(boolean, {
    group: 'behaviour',
    description: 'Wait also until the Jobs of the release are complete.',
    default: 'false',
    example: 'true',
  }),
  timeout: input(duration, {
    group: 'behaviour',
    description: 'How long Helm may take for hooks, and for the workloads to get ready; the way back gets it anew.',
    default: '5m',
    example: '10m',
  }),
  'undo-on-failure': input(boolean, {
    group: 'behaviour',
    description:
      'Undo a change that fails: roll back to the revision before it, or uninstall where there was none. With `false`, the failed revision stays, so that you can look at it.',
    default: 'true',
    example: 'false',
  }),
  'rollback-on-failure': input(boolean, {
    group: 'behaviour',
    description: 'The former name of `undo-on-failure`. It works until the next major version.',
    example: 'false',
  }),
  test: input(boolean, {
    group: 'behaviour',
    description: "Run the chart's `test` hooks after the deploy; a test that fails is a failure of the deploy.",
    default: 'false',
    example: 'true',
  }),
  'history-max': input(wholeNumber(2), {
    group: 'behaviour',
    description: 'Revisions that are kept at most.',
    default: '10',
    example: '20',
  }),
  'server-side': input(choice('auto', 'true', 'false'), {
    group: 'behaviour',
    description:
      'Helm 4: write by server-side apply. `auto` keeps how the release was written until now; a new one is written server-side. Helm 3 knows only the other way.',
    default: 'auto',
    example: 'true',
  }),
  'force-conflicts': input(boolean, {
    group: 'behaviour',
    description: 'Helm 4 with server-side apply: take over fields that another field manager holds.',
    default: 'false',
    example: 'true',
  }),
  force: input(boolean, {
    group: 'behaviour',
    description: 'Write a new revision also where neither chart nor values nor objects have changed.',
    default: 'false',
    example: 'true',
  }),
  'dry-run': input(boolean, {
    group: 'behaviour',
    description: 'Check everything and show what would be written, without a change.',
    default: 'false',
    example: 'true',
  }),
  report: reportInput('helm-report.json'),
});

export type HelmInputs = z.infer<typeof helmInputs>;

/** Whether a failed change is undone. The former name of the input counts if it is given. */
export function undoesOnFailure(inputs: Pick<HelmInputs, 'undo-on-failure' | 'rollback-on-failure'>): boolean {
  return inputs['rollback-on-failure'] ?? inputs['undo-on-failure'];
}

/** Every output of `actions/helm-deploy` with its description. */
export const helmOutputs = {
  verdict: 'How it ended: `deployed`, `unchanged`, `rolled-back`, `uninstalled` or `failed`. Empty after a dry run.',
  reason: 'Why, in a sentence.',
  revision: 'The revision that the release is at now.',
  'previous-revision': 'The one that it was at before.',
  'chart-version': 'Version of the chart of that revision.',
  'app-version': 'Version of the application, as the chart names it.',
  'chart-digest':
    'Digest of the chart: of its manifest in an OCI registry, else of its archive, or over the files of its folder.',
  'manifest-digest': 'SHA-256 over all objects of the revision as Helm rendered them.',
  stable:
    'With `mode: canary`: the workloads of the release, a line each, as `actions/canary` takes them: `deployment/checkout`.',
  canary: 'With `mode: canary`: the workloads of the canary.',
  resources: 'The objects of the revision, a line each: `Deployment shop/checkout`.',
  report: 'Path of the JSON report.',
} as const;
