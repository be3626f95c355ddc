import { expect, test } from 'vitest';
import { reach } from '../../../src/remote/connection.ts';

test.each(['Impersonate-User', 'impersonate-group', 'X-Remote-User', 'Authorization'])(
  'through the API server, %s never goes on as a header of a connection',
  (name) => {
    const connection = { address: 'k8s://monitoring/loki:http', headers: { [name]: 'system:masters' } };
    expect(() => reach('Loki', connection, { env: {} })).toThrow(/API server/);
    expect(() => reach('Loki', { ...connection, address: 'http://loki' }, { env: {} })).not.toThrow();
  },
);
