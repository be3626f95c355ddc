import { isLocalHost } from './image-reference.ts';

/** The credentials that are sent to an address. */
export interface SentCredentials {
  /** Their name in a sentence: `credentials of the kubeconfig`. */
  readonly credentials: string;
  /** Whether the server's certificate is verified. */
  readonly isVerified: boolean;
  /** What the user can do. */
  readonly next: string;
}

/**
 * A warning about credentials that are sent without TLS, or to a server whose certificate is not verified; undefined if they
 * are safe, or do not leave this machine.
 *
 * @param address its login is not shown
 */
export function unsafeWay(address: string, { credentials, isVerified, next }: SentCredentials): string | undefined {
  const url = URL.parse(address);
  if (!url || isLocalHost(url.hostname)) return undefined;
  const to = `${url.protocol}//${url.host}`;
  if (url.protocol === 'http:')
    return `The ${credentials} are sent to ${to} without TLS: whoever is on the way can read and use them. ${next}`;
  if (!isVerified)
    return `The ${credentials} are sent to ${to}, whose certificate is not verified: whoever is on the way can take its place. ${next}`;
  return undefined;
}
