import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import type { Repository } from '../../core/image-reference.ts';
import { parseJson } from '../../core/json.ts';

const errorAnswer = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().optional() })) });

/** Parses JSON. The error names only the registry and quotes nothing of the answer, which may contain a token. */
export function readAnswer<T>(schema: z.ZodType<T>, body: string, { registry }: Repository): T {
  try {
    return schema.parse(parseJson(body));
  } catch {
    throw new SluiceError('failed', {
      about: `registry ${registry}`,
      problem: 'answered something else than the distribution specification says.',
      next: 'See whether the address is that of a registry, and whether a proxy answers in its place.',
    });
  }
}

export function absent({ name }: Repository, digest: string): SluiceError {
  return new SluiceError('not-found', {
    about: `${name}@${digest}`,
    problem: 'is a part of the image and is not in the registry.',
    next: 'Run again; if it stays so, the registry loses what was pushed.',
  });
}

export function changedOnTheWay({ name }: Repository, wanted: string, digest: string): SluiceError {
  return new SluiceError('failed', {
    about: `${name}@${wanted}`,
    problem: `is not what the registry gave: its content has the digest ${digest}.`,
    next: 'Something between here and the registry changes what it sends; do not use this image.',
  });
}

/** Explains a registry's refusal. For its codes, see the distribution specification, "Error codes". */
export function refused(repository: Repository, response: HttpResponse, doing: string, loggedIn: boolean): SluiceError {
  const { status } = response;
  const errors = errorsOf(response.body);
  const said = errors.map(({ code, message }) => (message ? `${code}: ${message}` : code)).join('; ');
  const about = repository.name;
  const problem = `${doing} was refused (HTTP ${status}${said === '' ? '' : `, ${said}`}).`;
  if (status === 401 || status === 403) {
    const next = loggedIn
      ? 'Give the credentials the right to push to this repository (in GHCR: packages: write, and the repository among those with access).'
      : 'There are no credentials for this registry: give "username" and "password", or log in in an earlier step.';
    return new SluiceError('forbidden', { about, problem, next });
  }
  if (/immutable|TAG_INVALID/i.test(said) || status === 409) {
    const next = 'The registry keeps this tag as it is: build under another version, or leave this tag out.';
    return new SluiceError('conflict', { about, problem, next });
  }
  if (status === 404) {
    const next = 'Create the repository in the registry first; some registries (ECR) make none by themselves.';
    return new SluiceError('not-found', { about, problem, next });
  }
  const next = 'See what the registry says of it in its log.';
  return new SluiceError('failed', { about, problem, next });
}

function errorsOf(body: string): z.infer<typeof errorAnswer>['errors'] {
  try {
    return errorAnswer.parse(parseJson(body)).errors;
  } catch {
    // A proxy's page, or an empty body: the status is enough.
    return [];
  }
}
/**
 * The `Link` header, such as `</v2/acme/checkout/tags/list?last=v9&n=1000>; rel="next"`:
 * https://www.rfc-editor.org/rfc/rfc8288
 */
export function nextPage({ headers }: HttpResponse, page: URL): URL | undefined {
  const links = [headers.link ?? []].flat().join(', ');
  const [, next] = /<([^<>]{1,4000})>[^<>]*;\s*rel\s*=\s*"?next"?/i.exec(links) ?? [];
  return next === undefined ? undefined : (URL.parse(next, page.href) ?? page);
}
