import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../../src/actions/canary/log.ts';
import type { RolloutEvent } from '../../../../src/canary/events.ts';
import { annotationText, oneLine, withoutCommands } from '../../../../src/runner/log-text.ts';
import { start, tell } from '../../report/story.ts';

/** The log as GitHub shows it: lines, and `▸ title` … `◂` for a group. */
function logOf(events: readonly RolloutEvent[], colour = false): string[] {
  const lines: string[] = [];
  const log = createLog(
    {
      info: (line) => lines.push(line),
      startGroup: (title) => lines.push(`▸ ${title}`),
      endGroup: () => lines.push('◂'),
    },
    { colour },
  );
  for (const event of events) log(event);
  return lines;
}

const interval = {
  type: 'interval',
  at: start + 1_000,
  weight: 25,
  interval: { stable: { requests: 1_140, errors: 4 }, canary: { requests: 60, errors: 3 } },
  total: { stable: { requests: 9_000, errors: 40 }, canary: { requests: 600, errors: 9 } },
  opinions: [
    { check: 'latency-300ms', state: 'unknown', onBreach: 'rollback', progress: 0.1, sentence: '', figures: {} },
    { check: 'error-rate', state: 'unknown', onBreach: 'rollback', progress: 0.62, sentence: '', figures: {} },
    { check: 'cpu', state: 'unknown', onBreach: 'warn', progress: 0.9, sentence: '', figures: {} },
  ],
  timeLeft: 114_000,
} as const satisfies RolloutEvent;

describe('the live log', () => {
  it('tells of each interval: weight, rates, evidence of the check that is nearest to a breach, time left', () => {
    expect(logOf([interval])).toEqual([
      '03:14:01   25 %  canary 5 % of 60 (+60)  stable 0.35 % of 1,140 (+1,140)  ▕██████░░░░▏ error-rate  1m54s left',
    ]);
  });

  it('shows a full bar for a breach only', () => {
    const [line] = logOf([{ ...interval, opinions: interval.opinions.map((said) => ({ ...said, progress: 0.999 })) }]);
    expect(line).toContain('▕█████████░▏');
  });

  it('counts from the beginning of the step', () => {
    const entered = {
      type: 'step-entered',
      at: start,
      index: 1,
      step: { weight: 25, least: 0, most: 60_000, early: true, hold: false },
    } as const;
    const lines = logOf([interval, entered, interval, interval]);
    expect(lines.at(-1)).toContain('canary 5 % of 120 (+60)');
  });

  it('says what a step waits for when its time is over', () => {
    expect(logOf([{ ...interval, timeLeft: 0, waitingFor: 'requests' }])[0]).toMatch(/waiting for more requests$/);
  });

  it('says that it waits for the promoted pods while they replace the stable ones', () => {
    const promoting = { type: 'promoting', at: start } as const;
    expect(logOf([promoting, { ...interval, waitingFor: 'confirmation' }]).at(-1)).toMatch(
      /waiting for the promoted pods$/,
    );
  });

  it('does not miss what a canary without requests can not give', () => {
    const opinions = interval.opinions.map((said) => ({ ...said, missing: 'the canary got no requests' }));
    const [line] = logOf([{ ...interval, weight: 0, waitingFor: 'canary', opinions }]);
    expect(line).not.toContain('has no data');
    expect(line).toMatch(/waiting for the canary$/);
  });

  it('says which check has no data, and which warns', () => {
    const [first, , third] = interval.opinions;
    const opinions = [
      { ...first, missing: 'no histogram yet' },
      { ...third, state: 'breach' as const, sentence: 'canary 0.9, breach above 0.8' },
    ];
    const [line] = logOf([{ ...interval, opinions }]);
    expect(line).toContain('latency-300ms has no data: no histogram yet');
    expect(line).toContain('warning: cpu: canary 0.9, breach above 0.8');
  });

  it('has a group for each step, and none around what ends the rollout', () => {
    const lines = logOf(tell({ errors: (weight) => (weight >= 25 ? 1 : 0.005) }));
    const groups = lines.filter((line) => line.startsWith('▸') || line === '◂');
    expect(groups).toEqual(['▸ Step 1: 5 for 2m', '◂', '▸ Step 2: 25 for 3m', '◂']);
    const after = lines.slice(lines.lastIndexOf('◂') + 1);
    expect(after.map((line) => line.slice(10))).toEqual([
      expect.stringMatching(/^Breach at 25 %: error-rate: /),
      expect.stringMatching(/^The route goes back from 25 % to 0 %: /),
      "The route's weights are as they were found, with 0 % for the canary",
      expect.stringMatching(/^Rolled back at 25 %: error-rate: /),
    ]);
  });

  it('has the commands to copy at its beginning', () => {
    const [first, ...rest] = logOf(tell({ errors: () => 0 }).slice(0, 1));
    expect(first).toContain('5 for 2m, 25 for 3m, 100');
    expect(rest.map((line) => line.trim().split(/\s+/).slice(0, 2).join(' '))).toEqual([
      'abort kubectl',
      'approve kubectl',
      'freeze kubectl',
    ]);
  });

  it('is the same with colours', () => {
    const events = tell({ errors: () => 0.2 });
    const coloured = logOf(events, true);
    expect(coloured.join('\n')).toContain('\u001B[');
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(logOf(events));
  });

  it('shows what a dry run would write, line by line, and no value of a Secret', () => {
    const write = {
      object: 'Secret shop/keys',
      action: 'update',
      before: { kind: 'Secret', data: { key: 'b2xk' } },
      after: { kind: 'Secret', data: { key: 'bmV3' } },
    } as const;
    const lines = logOf([{ type: 'planned', at: start, weight: 5, later: false, write }]);
    expect(lines).toEqual([
      '▸ Would update Secret shop/keys for 5 %',
      expect.stringMatching(/^@@/),
      ' kind: Secret',
      ' data:',
      '-  key: (hidden, as found)',
      '+  key: (hidden, changed)',
      '◂',
    ]);
  });

  it('begins with what is released', () => {
    const [started] = tell({ errors: () => 0 });
    if (started?.type !== 'started') throw new Error('the story does not start');
    const arms = {
      stable: 'Deployment shop/checkout',
      canary: 'Deployment shop/checkout-canary',
      revision: 'r',
      versions: { stable: '1.0.0', canary: '1.1.0' },
    };
    const [line] = logOf([{ ...started, arms, commit: '5f70bf18a086007016e948b04aed3b82103a36be' }]);
    expect(line).toContain('shop/checkout 1.0.0 → 1.1.0 (commit 5f70bf1). Rollout');
  });

  it('keeps the lines of what is to be copied, and those that a pod wrote last', () => {
    const lines = logOf([
      {
        type: 'pod-details',
        at: start,
        details: [
          {
            pod: 'checkout-canary-1',
            reason: 'OOMKilled',
            message: '',
            exitCode: 137,
            lastLines: ['a', '::error::b'],
            events: ['Killing: c'],
            missing: [],
          },
        ],
      },
      {
        type: 'failed',
        at: start,
        code: 'forbidden',
        about: 'permissions',
        problem: 'are missing.',
        next: 'Add this Role:\nkind: Role\n  - a',
        unchanged: true,
      },
    ]);
    expect(lines.slice(0, 5)).toEqual([
      '▸ Pod checkout-canary-1 OOMKilled, exit code 137',
      'a',
      ': :error::b',
      'Killing: c',
      '◂',
    ]);
    expect(lines.slice(-2)).toEqual(['kind: Role', '  - a']);
  });

  it('lets nobody else give commands to the runner', () => {
    const evil = 'boom\n::set-output name=verdict::promoted\n##[add-mask]x';
    const lines = logOf([
      { type: 'warning', at: start, message: evil },
      {
        type: 'planned',
        at: start,
        weight: 5,
        later: false,
        write: {
          object: 'ConfigMap a/b',
          action: 'create',
          before: undefined,
          after: { '::warning ::x': ['##[error]'] },
        },
      },
    ]);
    for (const line of lines) expect(line).not.toMatch(/^\s*::|\n|##\[/);
  });

  it.each([
    ['a line break', 'a\n::warning::x', 'a ::warning::x'],
    ['a next line', '\u0085::add-mask::x', ': :add-mask::x'],
    ['a blank of another width', '\u2003::add-mask::x', '\u2003: :add-mask::x'],
    ['a separator of lines', '\u2028::add-mask::x', ': :add-mask::x'],
    ['what is not seen', '\u200b#\u200b#[error]x', '## [error]x'],
    ['a colour and a title', '\u001b[31mred\u001b[0m \u001b]0;title\u0007plain', 'red plain'],
    ['what turns the direction', 'safe\u202egnp.exe', 'safegnp.exe'],
    ['an end without a begin', '\u001b[', '['],
  ])('shows what others wrote as it is, whatever hides in it: %s', (_, text, shown) => {
    expect(oneLine(text)).toBe(shown);
  });

  it('keeps the indentation of a line', () => {
    expect(oneLine('   key: value')).toBe('   key: value');
  });

  it.each([
    ['blanks', `x${' '.repeat(1_000_000)}y`],
    ['line breaks', `x${' \n'.repeat(500_000)}y`],
    ['terminal sequences', '\u001b['.repeat(500_000)],
    ['titles', '\u001b]'.repeat(500_000)],
    ['numbers in a sequence', `\u001b[${'1;'.repeat(500_000)}`],
    ['colons', ':'.repeat(1_000_000)],
  ])('takes time in proportion to a line of others: %s', (_, text) => {
    // Work that grows by the square of the text would take hours.
    expect(oneLine(text).length).toBeLessThanOrEqual(text.length + 1);
  });

  it('has no commands in what comes to the sink of the runner, and keeps its colours', () => {
    expect(withoutCommands('  ::stop-commands::x')).toBe('  : :stop-commands::x');
    expect(withoutCommands('\u001b[2m03:14\u001b[0m  a\r\n::x')).toBe('\u001b[2m03:14\u001b[0m  a ::x');
  });

  it.each([
    ['a title', '\u001b]0;title\u0007x', ']0;titlex'],
    ['a movement of the cursor', '\u001b[2Jx', '[2Jx'],
    ['a direction', 'a\u202eb\u2066c', 'abc'],
    ['a command behind what is not seen', '\u200b\u0085::add-mask::x', ': :add-mask::x'],
    ['a command in pieces', '#\u200b#[error]x', '## [error]x'],
    ['blanks of other widths', '\u3000\u00a0::x', '\u3000\u00a0: :x'],
  ])('has nothing unseen but colours in what comes to the sink: %s', (_, line, shown) => {
    expect(withoutCommands(line)).toBe(shown);
  });

  it('has annotations of several lines, with nothing unseen in them', () => {
    expect(annotationText('two things:\n- a\u202eb\r\n\u001b[31m- c')).toBe('two things:\n- ab\n- c');
  });
});
