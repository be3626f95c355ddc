import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { SluiceError } from '../../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for an address, found as kubectl and other Go programs find it: HTTPS_PROXY for https,
 * HTTP_PROXY for http, upper case before lower case, and an empty variable means none. No proxy for this machine itself, nor
 * for what NO_PROXY names: `*`, addresses, networks (10.0.0.0/8), domains (with their subdomains, or only these after a leading
 * dot), optionally with a port. (https://pkg.go.dev/golang.org/x/net/http/httpproxy; undici's own agent does not support
 * networks.)
 *
 * @throws SluiceError `invalid-input` for a proxy of a protocol that neither kubectl nor Sluice supports
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(env, name);
  if (proxy === undefined || isExcepted(url, variable(env, 'NO_PROXY') ?? '')) return undefined;
  const address = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (URL.canParse(address) && /^(https?|socks5):$/.test(new URL(address).protocol)) return address;
  throw new SluiceError('invalid-input', {
    about: `environment variable ${name}`,
    // The address is not quoted, as it may hold a password.
    problem: 'is not the address of a proxy that speaks HTTP or SOCKS 5.',
    next: 'Give it as http://host:port, https://host:port or socks5://host:port.',
  });
}

function variable(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toLowerCase()] || undefined;
}

const thisMachine = new BlockList();
thisMachine.addSubnet('127.0.0.0', 8, 'ipv4');
thisMachine.addAddress('::1', 'ipv6');

function isExcepted(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isIn(thisMachine, host)) return true;
  const entries = noProxy.split(',').map((entry) => entry.trim().toLowerCase());
  return entries.some((entry) => entry !== '' && excepts(entry, host, port));
}

function excepts(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const network = networkOf(entry);
  if (network) return isIn(network, host);
  const { name, port: only } = splitPort(entry);
  if (name === '' || (only !== '' && only !== port)) return false;
  if (isIP(name) !== 0) return isIn(addressList(name), host);
  const domain = domainToASCII(name.replace(/^\*?\./, '')) || name;
  const isSubdomain = host.endsWith(`.${domain}`);
  return /^\*?\./.test(name) ? isSubdomain : isSubdomain || host === domain;
}

/** The network in `10.0.0.0/8` or `fd00::/8`; undefined for anything else. */
function networkOf(entry: string): BlockList | undefined {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const version = isIP(address);
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128)) return undefined;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  return network;
}

function addressList(address: string): BlockList {
  const list = new BlockList();
  list.addAddress(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  return list;
}

function isIn(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** Splits `host:port` and `[address]:port`. An IPv6 address without brackets has no port. */
function splitPort(entry: string): { name: string; port: string } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\w*)$/.exec(entry) ?? [];
  const name = bracketed ?? plain;
  return name === undefined ? { name: entry, port: '' } : { name, port };
}
