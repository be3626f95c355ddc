import { expect, it } from 'vitest';
import type { Connection } from '../../../src/remote/connection.ts';
import { unsafeConnection } from '../../../src/remote/unsafe-connection.ts';

const token = { kind: 'bearer', token: 's3cret' } as const;

it.each<[string, Connection, boolean]>([
  ['a token without TLS', { address: 'http://loki.example', authorization: token }, true],
  ['a header that sounds secret', { address: 'http://loki.example', headers: { 'X-Api-Key': 's3cret' } }, true],
  ['a token by TLS', { address: 'https://loki.example', authorization: token }, false],
  ['a token on this machine', { address: 'http://127.0.0.1:3100', authorization: token }, false],
  ['the name of a tenant', { address: 'http://loki.example', headers: { 'X-Scope-OrgID': 'shop' } }, false],
  ['no login', { address: 'http://loki.example' }, false],
  ['the way through the API server', { address: 'k8s://monitoring/loki:http' }, false],
])('%s is warned of: %o', (_, connection, isWarned) => {
  const warning = unsafeConnection('Loki', connection);
  expect(warning !== undefined).toBe(isWarned);
  expect(warning ?? '').not.toContain('s3cret');
});
