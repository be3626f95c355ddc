import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, chromium as engine } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { chromium, isInstalled } from '../../lab/browser/index.ts';
import { isScenarioName, play, type ScenarioName } from '../../lab/embedded/scenarios.ts';
import { canaryPage } from '../../src/report/page/canary-page.ts';
import { gatePage } from '../../src/report/page/gate-page.ts';
import { gateReport, promoted, rolledBack } from '../support/report-pages.ts';

const server = 'https://github.com';
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Scenarios of the lab whose pages are looked at as well: none in CI, which has no time for them. */
const scenarios = (process.env.SLUICE_REPORT_SCENARIOS ?? '').split(' ').filter(isScenarioName);

const pages: readonly (readonly [string, () => Promise<string> | string])[] = [
  ['a rollout that was rolled back', () => canaryPage(rolledBack(), server)],
  ['a gate that is undecided', () => gatePage(gateReport('undecided'), server)],
  ...(scenarios.length === 0
    ? []
    : ([
        ['a rollout that was promoted', () => canaryPage(promoted(), server)],
        ['a gate that failed', () => gatePage(gateReport('failed'), server)],
        ['a gate that passed', () => gatePage(gateReport('passed'), server)],
      ] as const)),
  ...scenarios.map((name) => [`the scenario ${name}`, () => playedPage(name)] as const),
];

/** The page that the action has written beside its report. */
async function playedPage(name: ScenarioName): Promise<string> {
  const { lab, ended, clean } = await play(name);
  try {
    return await readFile(ended.outputs['report-html'] ?? '', 'utf8');
  } finally {
    await lab.stop();
    await clean();
  }
}

/** Both ends of what a window can be; with the scenarios, all there is. */
const views =
  scenarios.length === 0
    ? ([
        { width: 320, scheme: 'light' },
        { width: 1280, scheme: 'dark' },
      ] as const)
    : [320, 768, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ width, scheme })));

const results = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
  passes: z.array(z.unknown()),
});

/** What a browser does with a page, which is given to it as a file of a server would be. */
async function look(
  browser: Browser,
  page: string,
  { width, scheme }: { readonly width: number; readonly scheme: 'light' | 'dark' },
) {
  // The page's own policy would keep the checker out, too.
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, bypassCSP: true });
  try {
    const tab = await context.newPage();
    const said: string[] = [];
    tab.on('console', (message) => said.push(message.text()));
    tab.on('pageerror', ({ message }) => said.push(message));
    const asked: string[] = [];
    await tab.route('**/*', async (route) => {
      asked.push(route.request().url());
      await route.fulfill({ body: page, contentType: 'text/html; charset=utf-8' });
    });
    await tab.goto('http://report.example/sluice.html', { waitUntil: 'load' });
    await tab.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })");
    const overflow = await tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    const drawn = await tab.evaluate(
      "[...document.querySelectorAll('svg')].filter((one) => one.getBoundingClientRect().width > 0).length",
    );
    await tab.evaluate(axe);
    const { violations, passes } = results.parse(await tab.evaluate('axe.run()'));
    const problems = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
    );
    return { problems, checked: passes.length, said, asked, overflow, drawn };
  } finally {
    await context.close();
  }
}

describe.skipIf(!isInstalled())('in a real browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await engine.launch({ executablePath: chromium, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  it.each(pages)('the page of %s is readable for everybody, at each width, and asks nobody', async (_, make) => {
    const page = await make();
    for (const view of views) {
      const { checked, drawn, ...found } = await look(browser, page, view);
      expect(found, JSON.stringify(view)).toEqual({
        problems: [],
        said: [],
        asked: ['http://report.example/sluice.html'],
        overflow: 0,
      });
      expect(checked).toBeGreaterThan(20);
      expect(drawn).toBe(page.match(/<svg class="wide"/g)?.length ?? 0);
    }
  });

  it('shows the page under its own policy, and lets no script run in it', async () => {
    const context = await browser.newContext();
    try {
      const tab = await context.newPage();
      const said: string[] = [];
      tab.on('console', (message) => said.push(message.text()));
      await tab.route('**/*', (route) =>
        route.fulfill({ body: canaryPage(rolledBack(), server), contentType: 'text/html' }),
      );
      await tab.goto('http://report.example/');
      const colour = await tab.evaluate("getComputedStyle(document.querySelector('h1')).color");
      expect(colour).toBe('rgb(164, 14, 38)');
      expect(said).toEqual([]);
      await tab.evaluate(`
        const script = document.createElement('script');
        script.textContent = 'document.title = "taken over"';
        document.body.append(script);
      `);
      expect(await tab.title()).toContain('Rolled back at 25 %');
      expect(said.join()).toContain('Content Security Policy');
    } finally {
      await context.close();
    }
  });
});
