import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from './results.ts';
import { breakdownTable, table } from './table.ts';

/** Writes `docs/peers.md`. */
export async function writeDocument(results: readonly Result[]): Promise<void> {
  const text = `# Beside the peers\n\n${table(results)}\n\n${breakdownTable(results)}\n`;
  await writeFile(join(import.meta.dirname, '../../../docs/peers.md'), text);
}
