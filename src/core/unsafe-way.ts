import { isLocalHost } from './image-reference.ts';

/** What is sent to an address. */
export interface SentCredentials {
  /** As a sentence names them: `credentials of the kubeconfig`. */
  readonly credentials: string;
  /** Whether the certificate of the server is verified. */
  readonly isVerified: boolean;
  /** What the user can do. */
  readonly next: string;
}

/**
 * The warning for credentials that go without TLS, or to a server whose certificate nobody verifies; undefined where they are
 * safe, or do not leave this machine.
 *
 * @param address of which no login is shown
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
