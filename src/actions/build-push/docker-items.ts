import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { inputType, wrong } from '../../runner/input-types.ts';

const records = z.array(z.array(z.string()));

/**
 * The items of an input with several lines, as docker/build-push-action reads them: a line may be quoted, `""` inside it is a
 * quote, and a quoted item may have several lines. Undefined where a quote is not closed.
 * https://github.com/docker/actions-toolkit/blob/main/src/util.ts, getInputList
 */
export function dockerItems(given: string): string[] | undefined {
  try {
    const options = { relax_quotes: true, relax_column_count: true, skip_empty_lines: true };
    const found = records.parse(parse(given.replaceAll('\r\n', '\n'), options));
    return found.map((fields) => fields.join(',').trim()).filter((item) => item !== '');
  } catch {
    return undefined;
  }
}

/** Lines of NAME=VALUE, as docker's actions read them. Values may be secrets, so errors quote no line. */
export const namedLines = inputType('lines of NAME=VALUE', (given) => {
  const found: Record<string, string> = {};
  const items = dockerItems(given) ?? wrong('has a quote that is not closed.');
  for (const [index, item] of items.entries()) {
    const [written, ...values] = item.split('=');
    const name = written?.trim() ?? '';
    if (name === '' || values.length === 0) return wrong(`line ${index + 1} is not of the form NAME=VALUE.`);
    if (Object.hasOwn(found, name)) return wrong(`line ${index + 1} names ${name} again.`);
    found[name] = values.join('=').trim();
  }
  return found;
});
