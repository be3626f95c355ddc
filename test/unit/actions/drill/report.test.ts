import { describe, expect, it } from 'vitest';
import { badgePath, drillOutputs, outputsOf } from '../../../../src/actions/drill/outputs.ts';
import { createAnnotations } from '../../../../src/actions/drill/report.ts';
import type { DrillEvent } from '../../../../src/drills/events.ts';
import { drillEvents, drillReportOf, ended, newDrill, outcome, second, started } from '../../../support/drill-story.ts';

describe('the outputs of a drill', () => {
  it('are its figures', () => {
    const outputs = outputsOf(drillReportOf(...drillEvents()), '/tmp/drill.json');
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(drillOutputs).sort());
    expect(outputs).toEqual({
      verdict: 'not-resilient',
      resilient: 'false',
      reason: 'recovery <= 3s was missed: 4.2 s',
      felt: 'felt',
      score: '66',
      recovery: '4.2',
      'recovery-after-removal': '2.2',
      'lowest-success': '40',
      lost: '12',
      change: 'worse',
      left: '',
      report: '/tmp/drill.json',
      'report-html': '/tmp/drill.html',
      badge: badgePath('/tmp/drill.json'),
      history: '/tmp/history.json',
    });
  });

  it('are empty where nothing is known, and never the best', () => {
    const none = { felt: '', score: '', recovery: '', 'lowest-success': '', lost: '', verdict: '', resilient: 'false' };
    expect(outputsOf(newDrill(), 'x.json')).toMatchObject({ ...none, change: 'unknown' });
    expect(outputsOf(newDrill({ dryRun: true }), 'x.json')).toMatchObject({ ...none, change: '', badge: '' });
    const { measured } = outcome();
    const faults = [outcome(), outcome({ measured: measured && { ...measured, recovery: undefined, lost: 3 } })];
    const open = drillReportOf(started(), ended({ faults }));
    expect(outputsOf(open, 'x.json')).toMatchObject({ recovery: '', 'recovery-after-removal': '', lost: '15' });
  });
});

describe('the annotations of a drill', () => {
  function annotated(events: readonly DrillEvent[], failOn: readonly ('not-resilient' | 'incomplete')[]): string[] {
    const said: string[] = [];
    const say = (level: string) => (message: string, properties?: { readonly title: string }) => {
      said.push(`${level}: ${properties?.title}: ${message}`);
    };
    const annotate = { notice: say('notice'), warning: say('warning'), error: say('error') };
    const inputs = { service: 'checkout', name: 'nightly', 'dry-run': false, issue: false, 'fail-on': failOn };
    const tell = createAnnotations({ inputs, annotate });
    for (const event of events) tell(event);
    return said;
  }

  it.each([
    [{ verdict: 'resilient' }, 'notice: Sluice drill: resilient'],
    [{ verdict: 'not-resilient' }, 'error: Sluice drill: not resilient'],
    [{ verdict: 'incomplete' }, 'warning: Sluice drill: incomplete'],
    [{ verdict: undefined }, 'notice: Sluice drill: dry run'],
  ] as const)('of %o', (rest, shown) => {
    expect(annotated([ended(rest)], ['not-resilient'])[0]).toContain(shown);
  });

  it('name what is left and what is worse, and few warnings', () => {
    const warning: DrillEvent = { type: 'warning', at: second(1), message: 'two pods belong to others' };
    const said = annotated(
      [...Array.from({ length: 20 }, () => warning), ...drillEvents(), ended({ left: ['Node n1'] })],
      [],
    );
    expect(said.filter((one) => one.includes('two pods'))).toHaveLength(8);
    expect(said).toContainEqual(expect.stringContaining('warning: Sluice drill: worse than before: recovery of'));
    expect(said).toContain('error: Sluice drill: left in the cluster: Node n1');
  });
});
