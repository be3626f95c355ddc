const ending = {
  verdict:
    'How the release ended: `promoted`, `deployed` or `unchanged` without a canary, `rolled-back`, `frozen`, `held` or `failed`.',
  reason: 'Why, in a sentence.',
  image: 'The image by its digest.',
  revision: 'The revision that the Helm release is at now.',
  report: 'Path of the JSON report of all parts.',
  'report-html': 'Path of the HTML page of the canary, to be uploaded. Empty where nothing was compared.',
} as const;

/** Every output of the composite action in the repository's root, with its description. */
export const releaseOutputs = ending;

/** Every output of `actions/release-parts` with its description. */
export const releasePartsOutputs = {
  canary: 'With `begin`: what the new version is compared as.',
  workload: 'The workload that serves.',
  service: 'Service of the release.',
  'canary-service': 'The Service of the canary.',
  route: 'The object that holds the weights.',
  steps: 'The plan as it was given, which may have several lines.',
  ...ending,
} as const;
