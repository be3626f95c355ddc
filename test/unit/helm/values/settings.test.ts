import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { valueFlags } from '../../../../src/helm/values/flags.ts';
import { readSettings } from '../../../../src/helm/values/settings.ts';

/** What stands on the command line, with the texts of files in place of their paths. */
async function flags(set: readonly string[], setString: readonly string[] = []): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'settings-'));
  try {
    const sources = { files: [], inline: undefined, canary: undefined, set, setString };
    const line = (await valueFlags(sources, folder)).join(' ');
    const paths = [...line.matchAll(/[^ ={,]*value-\d+/g)].map(([path]) => path);
    const texts = await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const));
    return texts.reduce((text, [path, content]) => text.replace(path, `<${content}>`), line);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('settings', () => {
  // What Helm 4.3 makes of the left side is what it makes of the right side, by `helm template` of a chart that shows its values.
  it.each<[string[], string[], string]>([
    [['password=hunter2'], [], '--set-file password=<hunter2>'],
    [['a=1,b=x\\,y'], [], '--set a=1 --set-file b=<x,y>'],
    [
      ['a.b=null,a.c=True,a.d=007,a.e=0,a.f=+5,a.g=1.5'],
      [],
      '--set a.b=null --set a.c=True --set a.e=0 --set a.f=+5 --set-file a.d=<007> --set-file a.g=<1.5>',
    ],
    [
      ['a=99999999999999999999,b=9223372036854775807'],
      [],
      '--set b=9223372036854775807 --set-file a=<99999999999999999999>',
    ],
    [['a={x,y}'], [], '--set-file a={<x>,<y>}'],
    [['a={1,x,null}b=2'], [], '--set a={1,,null} --set b=2 --set-file a[1]=<x>'],
    [['a={}'], [], '--set-file a={<>}'],
    [['a\\.b[0].c=x'], [], '--set-file a\\.b[0].c=<x>'],
    [['a='], ['b=1'], '--set-file a=<> --set-file b=<1>'],
    [['image.tag=a'], ['image.tag=b'], '--set-file image.tag=<b>'],
    [['a=x', 'a=5'], [], '--set a=5'],
    [['a.b=x', 'a=null'], [], '--set a=null'],
    [['a={x,y}', 'a[1]=5', 'a[3]=z'], [], '--set a={,5,null,} --set-file a[0]=<x> --set-file a[3]=<z>'],
  ])('%j and %j leave no text on the command line, and mean the same', async (set, setString, expected) => {
    expect(await flags(set, setString)).toBe(expected);
  });

  it.each([
    ['a=1,secret', 'the key "secret" has no value'],
    ['a={secret', 'a list does not end with "}"'],
    ['a[x]=secret', 'a place in a list is no whole number in brackets'],
    ['a[0]b=secret', 'the place in the list "a" has no value'],
    ['a=1,,b=2', 'the key "" has no value'],
  ])('that Helm can not read are refused: %s', (line, says) => {
    expect(() => readSettings(line, 'set')).toThrow(says);
  });

  it('that contradict each other are refused as Helm does, without a value', async () => {
    const refused = flags(['a=planted', 'a.b=5']);
    await expect(refused).rejects.toThrow('"a" is given a value, and "a.b" something within it');
    await expect(refused).rejects.not.toThrow('planted');
  });
});
