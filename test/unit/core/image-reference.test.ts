import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canaryInputs } from '../../../src/actions/canary/inputs.ts';
import { helmInputs } from '../../../src/actions/helm-deploy/inputs.ts';
import { kubectlInputs } from '../../../src/actions/kubectl-deploy/inputs.ts';
import { loadRelease } from '../../../src/actions/release-parts/load-inputs.ts';
import { digestOf } from '../../../src/cluster/pods.ts';
import { isSluiceError } from '../../../src/core/errors.ts';
import { parseReference, splitReference } from '../../../src/core/image-reference.ts';
import { imageSettings } from '../../../src/helm/values/flags.ts';
import { replaceImages } from '../../../src/kubectl/images.ts';
import { namedRevision } from '../../../src/rollback/choose.ts';
import { parseInputs } from '../../../src/runner/parse-inputs.ts';
import { versionOf } from '../../../src/workloads/images.ts';

const hex = (length: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length }).map((all) => all.join(''));
const host = fc.constantFrom('ghcr.io', 'localhost', '127.0.0.1:5000', 'registry.lab:5000', '[::1]:5000', 'docker.io');
const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:[._-][a-z0-9]{1,6})?$/);
const path = fc.array(component, { minLength: 1, maxLength: 3 }).map((all) => all.join('/'));
const name = fc.oneof(
  fc.tuple(host, path).map((parts) => parts.join('/')),
  path.filter((text) => !/^[^/]*\./.test(text)),
);
const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);
const digest = hex(64).map((digits) => `sha256:${digits}`);
const parts = fc.record({ name, tag, digest }, { requiredKeys: ['name'] });
type Parts = { readonly name: string; readonly tag?: string; readonly digest?: string };

const textOf = ({ name: named, tag: tagged, digest: digested }: Parts) =>
  `${named}${tagged === undefined ? '' : `:${tagged}`}${digested === undefined ? '' : `@${digested}`}`;

describe('an image', () => {
  it('is read into the parts that it was written of', () => {
    fc.assert(
      fc.property(parts, (written) => {
        const text = textOf(written);
        expect(parseReference(text)).toMatchObject({ text, ...written });
        expect(splitReference(text)).toEqual(written);
      }),
    );
  });

  it('is cut without a loss, whatever a manifest holds in its place', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9:@/$(){}._-]*$/)), (text) => {
        expect(textOf(splitReference(text))).toBe(text);
      }),
    );
  });

  it('is given to a chart so that repository and tag, joined by a colon, are it', () => {
    fc.assert(
      fc.property(parts, (written) => {
        const text = textOf(written);
        const [repository, tagged, whole] = imageSettings(parseReference(text), ['{repository}', '{tag}', '{image}']);
        const isNamed = written.tag !== undefined || written.digest !== undefined;
        expect(`${repository}:${tagged}`).toBe(isNamed ? text : `${text}:latest`);
        expect(whole).toBe(text);
      }),
    );
  });

  it('is known by the same parts wherever it is looked at', () => {
    fc.assert(
      fc.property(parts, (written) => {
        const text = textOf(written);
        expect(digestOf(text)).toBe(written.digest);
        if (written.tag !== undefined && written.tag.length < 40) expect(versionOf(text)).toBe(written.tag);
        const manifest = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'a', namespace: 'shop' },
          spec: { containers: [{ image: text }] },
        };
        const [replaced] = replaceImages([{ manifest, source: 'a.yaml' }], [{ name: written.name, image: 'new:1' }]);
        expect(replaced?.manifest.spec).toEqual({ containers: [{ image: 'new:1' }] });
        const revision = { number: 3, id: 'template-1', images: new Map([['app', text]]), ready: 0, createdAt: 0 };
        const named = namedRevision([{ revision, state: 'healthy', remark: '' }], written.digest ?? '');
        expect(named?.revision.number).toBe(written.digest === undefined ? undefined : 3);
      }),
    );
  });
});

/** What each action says of an image, without the name of its input. */
const readers: readonly (readonly [string, (image: string) => unknown])[] = [
  ['actions/canary', (image) => parseInputs(canaryInputs, { image }, 'canary')],
  ['one container of actions/canary', (image) => parseInputs(canaryInputs, { image: `app=${image}` }, 'canary')],
  ['actions/helm-deploy', (image) => parseInputs(helmInputs, { image }, 'helm-deploy')],
  ['actions/kubectl-deploy', (image) => parseInputs(kubectlInputs, { images: `shop=${image}` }, 'kubectl-deploy')],
  ['the whole release', (image) => loadRelease({ release: 'shop', build: 'False', chart: 'chart', image })],
];

function refusal(read: (image: string) => unknown, image: string): string {
  try {
    read(image);
    return 'accepted';
  } catch (error) {
    if (isSluiceError(error, 'invalid-input')) return error.problem;
    throw error;
  }
}

describe.each(readers)('%s', (_, read) => {
  it('takes what a registry can have', () => {
    fc.assert(
      fc.property(parts, (written) => {
        expect(refusal(read, textOf(written))).toBe('accepted');
      }),
      { numRuns: 20 },
    );
  });

  it('refuses an empty tag and an empty digest by their names', () => {
    fc.assert(
      fc.property(name, tag, digest, (named, tagged, digested) => {
        expect(refusal(read, `${named}:`)).toContain(`"${named}:" names an empty tag. Write the tag behind the ":"`);
        expect(refusal(read, `${named}:@${digested}`)).toContain('names an empty tag.');
        expect(refusal(read, `${named}@`)).toContain(
          `"${named}@" names an empty digest. Write the digest behind the "@"`,
        );
        expect(refusal(read, `${named}:${tagged}@`)).toContain('names an empty digest.');
      }),
      { numRuns: 20 },
    );
  });

  it('refuses capitals in the repository, and shows what to write', () => {
    fc.assert(
      fc.property(host, path, tag, (at, below, tagged) => {
        const image = `${at}/Acme/${below}:${tagged}`;
        expect(refusal(read, image)).toContain(`Write it in lower case: ${at}/acme/${below}:${tagged}.`);
        expect(refusal(read, `Acme/${below}`)).toContain('has capitals in its repository');
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['ghcr.io/octo/docs-insiders:', 'names an empty tag'],
    ['registry.internal.example/GaRaLi/challenge:e75f5d6', 'has capitals in its repository'],
    [`shop/app:sha256:${'79'.repeat(32)}`, `Join it by "@": shop/app@sha256:${'79'.repeat(32)}.`],
    [`alpine:sha256:${'79'.repeat(32)}`, 'joins its digest by a colon'],
    ['ghcr.io/octo/cad:fix/assembly', 'names the tag "fix/assembly", which no registry takes'],
    ['quay.io/octo/convertor:-eb78f51', 'names the tag "-eb78f51", which no registry takes'],
    [`ghcr.io/octo/shop@sha256:${'7'.repeat(63)}`, 'names the digest "sha256:777'],
    ['ghcr.io/octo/shop@latest', 'names the digest "latest", which is none'],
    ['ghcr.io/octo/shop/:1', 'is no name of an image'],
  ])('refuses %s', (image, problem) => {
    expect(refusal(read, image)).toContain(problem);
  });
});

describe('the whole release, where it builds the image', () => {
  it('takes the repositories as the build does: several, and owners with capitals', () => {
    const given = { release: 'shop', chart: 'chart', image: 'ghcr.io/Acme/Shop\nregistry.lab:5000/shop' };
    expect(loadRelease(given).parts.workload).toBe('deployment/shop');
  });

  it('refuses a tag and a digest, empty ones too', () => {
    for (const end of [':', '@', ':1'])
      expect(
        refusal((image) => loadRelease({ release: 'shop', chart: 'chart', image }), `ghcr.io/acme/shop${end}`),
      ).not.toBe('accepted');
  });
});
