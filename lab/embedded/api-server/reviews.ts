import * as z from 'zod';
import { basicRules, isAllowed, type User } from './authorization.ts';
import { type JsonRecord, recordOf } from './objects.ts';
import { badRequest } from './status.ts';

const accessReview = z.looseObject({
  spec: z.looseObject({
    resourceAttributes: z.looseObject({
      verb: z.string().default(''),
      group: z.string().default(''),
      resource: z.string().default(''),
      subresource: z.string().default(''),
      namespace: z.string().default(''),
      name: z.string().default(''),
    }),
  }),
});

/** Answers a review of the caller's own rights or identity; nothing is stored. */
export function review(kind: string, body: unknown, user: User): JsonRecord {
  const answer = { ...recordOf(body), metadata: {} };
  if (kind === 'SelfSubjectReview') {
    return { ...answer, status: { userInfo: { username: user.name, groups: user.groups ?? [] } } };
  }
  if (kind === 'SelfSubjectRulesReview') {
    const namespace = String(recordOf(recordOf(body).spec).namespace ?? '');
    const resourceRules = [...basicRules, ...user.rules]
      .filter(({ namespaces: within = ['*'] }) => within.includes('*') || within.includes(namespace))
      .map(({ namespaces: _, ...rule }) => rule);
    return { ...answer, status: { resourceRules, nonResourceRules: [], incomplete: false } };
  }
  const parsed = accessReview.safeParse(body);
  if (!parsed.success) throw badRequest('SelfSubjectAccessReview: spec.resourceAttributes is required');
  return { ...answer, status: { allowed: isAllowed(user, parsed.data.spec.resourceAttributes) } };
}
