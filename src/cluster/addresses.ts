import { SluiceError } from '../core/errors.ts';
import { excerpt } from '../core/text.ts';
import { describe, type ObjectReference, resourcePath } from './resources.ts';

/** A path longer than this many characters is refused as a mistake. */
const LONGEST = 2_000;

/**
 * The address of a path on the API server. Refuses a path with `..` in any encoding: the server, or a proxy before it, would
 * follow it with the credentials of the release.
 *
 * @param path with its query, from its first slash on
 * @throws SluiceError `invalid-input` for a path that would lead elsewhere
 */
export function addressOn(server: string, path: string): string {
  const [pathname = ''] = path.split('?', 1);
  // URL parsing drops control characters, which may stand between two dots.
  const isPlain = pathname.startsWith('/') && pathname.length <= 2 * LONGEST && !/[\s\p{Cc}\\#]/u.test(pathname);
  if (!isPlain || leadsUp(pathname)) {
    throw new SluiceError('invalid-input', {
      about: `path ${excerpt(pathname, 200)}`,
      problem: 'leads to another place of the API server than it names.',
      next: 'Correct what this path was made of: a name, an annotation or an input.',
    });
  }
  return `${server}${path}`;
}

/**
 * The path through the API server's proxy to a pod or a Service.
 *
 * @param target its name may begin with `https:`
 * @param port number or name
 * @param path the path to request from the pod or the Service; it may come from an object that others write
 * @throws SluiceError `invalid-input` for a path that would lead out of the proxy
 */
export function proxyPath(target: ObjectReference, port: string, path: string): string {
  const { type, namespace, name } = target;
  const [pathname = ''] = path.split('?', 1);
  const isName =
    /^(https?:)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(port);
  if (!isName || path.length > LONGEST || !path.startsWith('/') || /[\s\p{Cc}\\#]/u.test(path) || leadsUp(pathname)) {
    throw new SluiceError('invalid-input', {
      about: describe(target),
      problem: `is to be asked for "${excerpt(path, 200)}" on port ${excerpt(port, 70)}, which leads out of it.`,
      next: 'Give a path without "..", blanks and backslashes, in the input or in the annotation prometheus.io/path.',
    });
  }
  return `${resourcePath(type, namespace)}/${name}:${port}/proxy${path}`;
}

/** Whether a part of a path is `.` or `..`, in any encoding, also a repeated one. */
function leadsUp(pathname: string): boolean {
  let plain = pathname;
  for (let encoded = ''; encoded !== plain; ) {
    encoded = plain;
    plain = encoded.replaceAll(/%2e/gi, '.').replaceAll(/%2f/gi, '/').replaceAll(/%5c/gi, '\\').replaceAll('%25', '%');
  }
  return plain.split(/[/\\]/).some((part) => part === '.' || part === '..');
}
