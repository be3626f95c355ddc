import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../../../src/cluster/kubeconfig/proxy.ts';

const proxy = 'http://proxy.example:3128';
const isDirect = (url: string, noProxy: string) =>
  proxyFor(new URL(url), { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy }) === undefined;

describe('a proxy of the environment', () => {
  it.each([
    ['https://10.1.2.3:6443', '10.0.0.0/8', true],
    ['https://10.1.2.3:6443', '10.9.9.9/8', true],
    ['https://11.1.2.3:6443', '10.0.0.0/8', false],
    ['https://10.1.2.3:6443', 'localhost, 172.16.0.0/12 ,10.1.2.0/24', true],
    ['https://[fd00:10::1]:6443', 'fd00:10::/32', true],
    ['https://[fd00:11::1]:6443', 'fd00:10::/32', false],
    ['https://10.1.2.3', '0.0.0.0/0', true],
    ['https://10.1.2.3', '10.0.0.0/33', false],
    ['https://10.1.2.3:6443', '10.1.2.3', true],
    ['https://10.1.2.3:6443', '10.1.2.3:6443', true],
    ['https://10.1.2.3:6443', '10.1.2.3:443', false],
    ['https://10.1.2.3', '10.1.2.3:443', true],
    ['http://10.1.2.3', '10.1.2.3:80', true],
    ['https://[2001:db8::1]:6443', '2001:db8::1', true],
    ['https://[2001:db8::1]:6443', '[2001:db8::1]:6443', true],
    ['https://[2001:db8::1]:6443', '[2001:db8::1]:443', false],
    ['https://10.11.2.3:6443', '10.1', false],
    ['https://api.shop.example', 'shop.example', true],
    ['https://shop.example', 'shop.example', true],
    ['https://shop.example', '.shop.example', false],
    ['https://api.shop.example', '.shop.example', true],
    ['https://api.shop.example', '*.shop.example', true],
    ['https://shop.example', '*.shop.example', false],
    ['https://workshop.example', 'shop.example', false],
    ['https://API.Shop.example', 'SHOP.example', true],
    ['https://api.shop.example:8443', 'shop.example:8443', true],
    ['https://api.shop.example', 'shop.example:8443', false],
    ['https://bücher.example', 'BÜCHER.example', true],
    ['https://anything.example', 'other,*', true],
    ['https://anything.example', '', false],
    ['https://anything.example', ' , ,:80', false],
    ['https://kubernetes.default.svc', 'localhost,127.0.0.0/8,.svc', true],
  ])('is not asked for what NO_PROXY names: %s and %j is %s', (url, noProxy, direct) => {
    expect(isDirect(url, noProxy)).toBe(direct);
  });

  it.each(['https://localhost:6443', 'https://127.0.0.1:6443', 'https://127.8.9.1', 'http://[::1]:8001'])(
    'is not asked for this machine: %s',
    (url) => expect(isDirect(url, '')).toBe(true),
  );

  it('is that of the protocol', () => {
    expect(proxyFor(new URL('https://a.example'), { HTTP_PROXY: proxy })).toBeUndefined();
    expect(proxyFor(new URL('http://a.example'), { HTTPS_PROXY: proxy })).toBeUndefined();
    expect(proxyFor(new URL('http://a.example'), { http_proxy: proxy })).toBe(proxy);
  });

  it('is named in capitals first, and an empty variable names none', () => {
    const url = new URL('https://a.example');
    expect(proxyFor(url, { HTTPS_PROXY: proxy, https_proxy: 'http://other' })).toBe(proxy);
    expect(proxyFor(url, { HTTPS_PROXY: '', https_proxy: proxy })).toBe(proxy);
    expect(proxyFor(url, { https_proxy: proxy, NO_PROXY: '', no_proxy: 'a.example' })).toBeUndefined();
    expect(proxyFor(url, { https_proxy: proxy, NO_PROXY: 'a.example', no_proxy: '' })).toBeUndefined();
    expect(proxyFor(url, { https_proxy: proxy, NO_PROXY: 'b.example', no_proxy: 'a.example' })).toBe(proxy);
  });

  it('needs no protocol in its name, and any other than HTTP and SOCKS 5 is refused without showing it', () => {
    const url = new URL('https://a.example');
    expect(proxyFor(url, { HTTPS_PROXY: 'proxy.example:3128' })).toBe(proxy);
    expect(proxyFor(url, { HTTPS_PROXY: 'socks5://proxy.example' })).toBe('socks5://proxy.example');
    expect(() => proxyFor(url, { HTTPS_PROXY: 'socks4://me:very-secret@proxy.example' })).toThrow(
      /^environment variable HTTPS_PROXY: (?!.*very-secret)/,
    );
  });
});
