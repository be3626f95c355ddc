import { CANARY, type HelmInputs, LONGEST_RELEASE } from './inputs.ts';

/** Inputs that contradict each other; each problem says what to do. */
export function helmContradictions(inputs: HelmInputs): string[] {
  const problems: string[] = [];
  const { mode, chart, release, revision, repository, version, username, password } = inputs;
  if (release === undefined) problems.push('Input "release" is missing: name the release. Example: release: checkout');
  const deploys = mode === 'deploy' || mode === 'canary';
  if (deploys && chart === undefined)
    problems.push('Input "chart" is missing: say what is to be deployed. Example: chart: deploy/chart');
  if (mode !== 'rollback' && revision !== undefined)
    problems.push('Input "revision" is only for mode: rollback; leave it out.');
  if (mode !== 'uninstall' && inputs['keep-history'])
    problems.push('Input "keep-history" is only for mode: uninstall; leave it out.');
  if (!deploys) {
    const names = ['chart', 'repository', 'version', 'values-files', 'values', 'set', 'set-string', 'image'] as const;
    const given = names.filter((name) => inputs[name] !== undefined);
    if (given.length > 0)
      problems.push(`${given.map((name) => `"${name}"`).join(', ')}: only for mode: deploy; leave it out.`);
  }
  if (
    inputs.image !== undefined &&
    inputs.image.digest === undefined &&
    inputs['image-values'].some((line) => line.includes('{digest}'))
  )
    problems.push('Input "image-values" asks for {digest}, which "image" does not name: give it as NAME@sha256:….');
  if (repository !== undefined && chart?.startsWith('oci://'))
    problems.push('Input "repository" is for HTTP repositories; an oci:// chart names its own registry.');
  if (version?.startsWith('sha256:') && !/^sha256:[0-9a-f]{64}$/.test(version))
    problems.push('Input "version": a digest is sha256: and 64 hexadecimal digits.');
  if ((username === undefined) !== (password === undefined))
    problems.push('Inputs "username" and "password" belong together; give both or none.');
  if (username !== undefined && repository === undefined && !chart?.startsWith('oci://'))
    problems.push('Inputs "username" and "password" are for an oci:// chart or one of "repository".');
  if (inputs['plain-http'] && !chart?.startsWith('oci://'))
    problems.push('Input "plain-http" is for an oci:// chart; leave it out.');
  if (inputs['wait-for-jobs'] && !inputs.wait) problems.push('Input "wait-for-jobs" needs wait: true.');
  if (inputs['force-conflicts'] && inputs['server-side'] === 'false')
    problems.push('Input "force-conflicts" is about server-side apply; it has no meaning with server-side: false.');
  if (inputs['canary-values'] !== undefined && mode !== 'canary')
    problems.push('Input "canary-values" is only for mode: canary; leave it out.');
  if (mode === 'canary' && release !== undefined && release.length > LONGEST_RELEASE - CANARY.length)
    problems.push(
      `Input "release": with mode: canary at most ${LONGEST_RELEASE - CANARY.length} letters, as the canary is RELEASE${CANARY}.`,
    );
  if (inputs['rollback-on-failure'] === true && !inputs['undo-on-failure'])
    problems.push(
      'Input "rollback-on-failure" is the former name of "undo-on-failure", which says false; leave it out.',
    );
  if (inputs.test && !deploys) problems.push('Input "test" is only for mode: deploy; leave it out.');
  return problems;
}
