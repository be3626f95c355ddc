import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { close, listen } from '../../../lab/embedded/sockets.ts';
import { createGitHub } from '../../../src/github/client.ts';
import { keepComment, pullRequestOf } from '../../../src/github/comments.ts';

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => close(server))));

/** GitHub, or what answers in its place, with one answer to everything. */
async function answering(status: number, body: string, headers: Readonly<Record<string, string>> = {}) {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  servers.push(server);
  const port = await listen(server, 0);
  const place = { owner: 'acme', repo: 'shop' };
  const signal = new AbortController().signal;
  return createGitHub({ token: 't', apiUrl: `http://127.0.0.1:${port}`, ...place, signal, pause: 1, longestWait: 1 });
}

describe('what answers in the place of GitHub', () => {
  it.each([
    ['no list', '{"number": 7}'],
    ['a page', '<html>Log in</html>'],
    ['items of another shape', '[{"number": "seven"}]'],
    ['nothing', 'null'],
    ['a number that no JSON of GitHub has', '9007199254740993'],
  ])('is named where it gives %s', async (_, body) => {
    const github = await answering(200, body);
    await expect(pullRequestOf(github, 'a'.repeat(40))).rejects.toMatchObject({
      name: 'SluiceError',
      code: 'unsupported',
    });
  });

  it('is named where a comment has no text', async () => {
    const github = await answering(200, '[{"id": 1, "body": {"startsWith": 1}}]');
    await expect(keepComment(github, 7, '<!-- sluice -->', 'text')).rejects.toMatchObject({ code: 'unsupported' });
  });

  it.each(['9007199254740992', '1e400', 'soon'])('may ask to wait for %s', async (wait) => {
    const github = await answering(429, '{"message": "slow down"}', { 'retry-after': wait });
    await expect(pullRequestOf(github, 'a'.repeat(40))).rejects.toMatchObject({ code: 'unreachable' });
  });
});
