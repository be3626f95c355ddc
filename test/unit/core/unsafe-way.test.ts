import { describe, expect, it } from 'vitest';
import { unsafeWay } from '../../../src/core/unsafe-way.ts';

const sent = { credentials: 'credentials', isVerified: true, next: 'Use https.' };

describe('credentials on their way', () => {
  it('are warned of where others can read them, without the login in the address', () => {
    expect(unsafeWay('http://robot:planted@prometheus.example:9090/x', sent)).toBe(
      'The credentials are sent to http://prometheus.example:9090 without TLS: whoever is on the way can read and use them. Use https.',
    );
  });

  it('are warned of where the certificate is not verified', () => {
    expect(unsafeWay('https://prometheus.example', { ...sent, isVerified: false })).toContain('is not verified');
  });

  it.each(['https://prometheus.example', 'http://127.0.0.1:9090', 'http://localhost:9090', 'http://[::1]:9090', ''])(
    'are nothing to warn of: %s',
    (address) => expect(unsafeWay(address, sent)).toBeUndefined(),
  );
});
