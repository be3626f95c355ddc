import * as z from 'zod';
import { gitHubSource } from '../../../github/check-source.ts';
import { sightingRule } from '../../../judge/looks/value-rules.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must } from '../check-list.ts';
import { refuse } from '../rules.ts';

const names = z.array(z.string(must('names')).min(1), must('a list of names')).min(1, must('a list of names'));

/** Checks of a commit, and deployments, as GitHub has them. */
export const gitHubCheck = checkKind({
  kind: 'github',
  schema: z
    .strictObject({
      check: z.literal('github'),
      ...commonSettings,
      checks: names.optional(),
      ref: z.string(must('a commit, branch or tag')).min(1).optional(),
      environment: z.string(must('the name of an environment')).min(1).optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: false,
  example: '{check: github, checks: [build, test], environment: staging}',
  build({ checks = [], ref, environment }, place) {
    const { client, commit } = place.github();
    return {
      source: gitHubSource({ ref: ref ?? commit ?? 'HEAD', checks, environment }, client),
      rule: sightingRule({ none: 'all are successful' }),
      window: place.judging.window,
    };
  },
});

function problemOf({ checks, ref, environment }: { checks?: unknown; ref?: unknown; environment?: unknown }) {
  if (checks === undefined && environment === undefined)
    return 'needs "checks", which have to be successful, or "environment", whose newest deployment has to be';
  return ref !== undefined && checks === undefined ? 'has "ref" without "checks"' : undefined;
}
