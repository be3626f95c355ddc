import { inputType, wrong } from '../../runner/input-types.ts';

/** Characters of the input, and of one name in it. */
const LONGEST = 20_000;

/** What placeholders of documents stand for: lines of NAME=VALUE. */
export const placeholderValues = inputType('lines of NAME=VALUE', (given): ReadonlyMap<string, string> => {
  if (given.length > LONGEST) wrong(`has more than ${LONGEST.toLocaleString('en')} characters.`);
  const values = new Map<string, string>();
  for (const line of given.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const at = line.indexOf('=');
    const name = line.slice(0, Math.max(0, at)).trim();
    if (!/^[\w.-]{1,100}$/.test(name)) return wrong('has a line that is not of the form NAME=VALUE.');
    if (values.has(name)) return wrong(`names ${name} twice.`);
    values.set(name, line.slice(at + 1).trim());
  }
  return values;
});

/** What stands for the former results that objectives compare with. */
export const comparedWith = inputType('stable, or how long before now: 1h, 1d or 1w', (given) => {
  if (given === 'stable') return given;
  return /^[1-9]\d{0,3}[smhdw]$/.test(given)
    ? { before: given }
    : wrong(`"${given.slice(0, 100)}" is neither stable nor a time such as 1h, 1d or 1w.`);
});
