import { describe, expect, it } from 'vitest';
import { helmContradictions } from '../../../../src/actions/helm-deploy/contradictions.ts';
import { helmInputs, undoesOnFailure } from '../../../../src/actions/helm-deploy/inputs.ts';
import { parseReference } from '../../../../src/core/image-reference.ts';
import { imageSettings } from '../../../../src/helm/values/flags.ts';
import { parseInputs } from '../../../../src/runner/parse-inputs.ts';

const common = { release: 'checkout', chart: 'deploy/chart' };

function contradictions(given: Readonly<Record<string, string>>): string[] {
  return helmContradictions(parseInputs(helmInputs, given, 'helm-deploy'));
}

describe('inputs of actions/helm-deploy', () => {
  it('need a release and a chart, and take the rest from its defaults', () => {
    expect(contradictions({})).toEqual([
      expect.stringContaining('Input "release" is missing'),
      expect.stringContaining('Input "chart" is missing'),
    ]);
    expect(contradictions(common)).toEqual([]);
    expect(parseInputs(helmInputs, common, 'helm-deploy')).toMatchObject({
      mode: 'deploy',
      timeout: 300_000,
      wait: true,
      'undo-on-failure': true,
      'history-max': 10,
      'server-side': 'auto',
    });
  });

  it.each([
    [{ revision: '3' }, '"revision" is only for mode: rollback'],
    [{ 'keep-history': 'true' }, '"keep-history" is only for mode: uninstall'],
    [{ mode: 'rollback' }, '"chart": only for mode: deploy'],
    [{ chart: 'oci://registry.example/shop', repository: 'https://charts.example' }, 'names its own registry'],
    [{ version: 'sha256:12' }, '64 hexadecimal digits'],
    [{ username: 'robot' }, 'belong together'],
    [{ username: 'robot', password: 'x' }, 'are for an oci:// chart'],
    [{ wait: 'false', 'wait-for-jobs': 'true' }, 'needs wait: true'],
    [{ 'undo-on-failure': 'false', 'rollback-on-failure': 'true' }, 'is the former name of "undo-on-failure"'],
    [{ 'server-side': 'false', 'force-conflicts': 'true' }, 'no meaning with server-side: false'],
  ])('refuses %o', (given, says) => {
    expect(contradictions({ ...common, ...given }).join('\n')).toContain(says);
  });

  it.each([
    [{ release: 'Checkout' }, `can't be the name of a release`],
    [{ release: 'x'.repeat(54) }, `can't be the name of a release`],
    [{ values: '- a' }, 'is no YAML mapping'],
    [{ values: 'a: [' }, 'is no YAML mapping'],
    [{ set: 'a=1\nsesame-open' }, 'line 2 is not of the form KEY=VALUE'],
    [{ repository: 'charts.example' }, 'is no URL'],
    [{ 'history-max': '1' }, 'is not a whole number from 2 on'],
    [{ reuse: 'true' }, 'Input "reuse" is unknown'],
  ])('refuses %o without quoting a value', (given, says) => {
    const reading = () => parseInputs(helmInputs, { ...common, ...given }, 'helm-deploy');
    expect(reading).toThrow(says);
    expect(reading).not.toThrow('sesame-open');
  });
});

describe('imageSettings', () => {
  const hash = 'abc4'.repeat(16);
  const both = ['image.repository={repository}', 'image.tag={tag}'];
  it.each([
    ['ghcr.io/acme/checkout:1.2.3', both, ['image.repository=ghcr.io/acme/checkout', 'image.tag=1.2.3']],
    ['registry:5000/checkout', both, ['image.repository=registry:5000/checkout', 'image.tag=latest']],
    [`checkout@sha256:${hash}`, both, ['image.repository=checkout@sha256', `image.tag=${hash}`]],
    [`r:1/a:2@sha256:${hash}`, both, ['image.repository=r:1/a:2@sha256', `image.tag=${hash}`]],
    [`checkout@sha256:${hash}`, ['a={image}', 'b={digest}'], [`a=checkout@sha256:${hash}`, `b=sha256:${hash}`]],
  ])('of %s in %o', (image, settings, expected) => {
    expect(imageSettings(parseReference(image), settings)).toEqual(expected);
  });

  it.each([
    [{}, true],
    [{ 'undo-on-failure': 'false' }, false],
    [{ 'rollback-on-failure': 'false' }, false],
    [{ 'rollback-on-failure': 'true' }, true],
  ])('undo what fails by either name: %o is %s', (given, undoes) => {
    const inputs = parseInputs(helmInputs, { ...common, ...given }, 'helm-deploy', helmContradictions);
    expect(undoesOnFailure(inputs)).toBe(undoes);
  });

  it('asks for a digest that the image does not name', () => {
    const given = { ...common, image: 'checkout:1', 'image-values': 'a={digest}' };
    expect(contradictions(given).join()).toContain('which "image" does not name');
  });
});
