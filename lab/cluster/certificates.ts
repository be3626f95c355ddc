import { join } from 'node:path';
import { run } from '../programs/commands.ts';
import { certificateDir } from './config.ts';

/** The authority that vouches for the API server to the servers of aggregated APIs, and the API server's certificate of it. */
export const frontProxy = {
  name: 'front-proxy-client',
  authority: join(certificateDir, 'front-proxy-ca.crt'),
  certificate: join(certificateDir, 'front-proxy-client.crt'),
  key: join(certificateDir, 'front-proxy-client.key'),
} as const;

/** Node makes keys, but no certificates. They are made for one `up`, and go with `down`. */
export async function makeFrontProxy(signal: AbortSignal): Promise<void> {
  const authorityKey = join(certificateDir, 'front-proxy-ca.key');
  const make = (certificate: string, key: string, name: string, options: readonly string[]) => {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', key, '-out', certificate, '-subj', `/CN=${name}`, '-days', '3650'];
    return run('openssl', ['req', '-x509', ...curve, ...files, ...options], { signal });
  };
  await make(frontProxy.authority, authorityKey, 'front-proxy-ca', []);
  await make(frontProxy.certificate, frontProxy.key, frontProxy.name, [
    ...['-CA', frontProxy.authority, '-CAkey', authorityKey],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=clientAuth'],
  ]);
}
