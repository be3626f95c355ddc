import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as z from 'zod';

const lock = z.object({ packages: z.record(z.string(), z.unknown()) });

it('the bundles have one HTTP client, whoever of the libraries brings it', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../package-lock.json'), 'utf8');
  const found = Object.keys(lock.parse(JSON.parse(text)).packages).filter((path) =>
    path.endsWith('node_modules/undici'),
  );
  expect(found).toEqual(['node_modules/undici']);
});
