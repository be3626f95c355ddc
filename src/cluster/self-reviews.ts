import * as z from 'zod';
import { isSluiceError } from '../core/errors.ts';
import type { Permission } from '../core/permission.ts';
import { json, type Requests } from './requests.ts';
import { resourcePath, resources } from './resources.ts';

const accessReview = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) });

const subjectReview = z.looseObject({
  status: z.looseObject({ userInfo: z.looseObject({ username: z.string().optional() }) }),
});

/** What the API server says about these credentials. */
export function createSelfReviews({ callFor }: Requests) {
  /** Asks the API server whether these credentials have all the verbs of a permission; returns the missing ones. */
  async function missingVerbs(permission: Permission, signal: AbortSignal): Promise<string[]> {
    const answers = await Promise.all(
      permission.verbs.map(async (verb) => {
        const { apiGroup: group, resource, subresource, namespace, name } = permission;
        const review = {
          apiVersion: resources.selfSubjectAccessReview.apiVersion,
          kind: resources.selfSubjectAccessReview.kind,
          spec: { resourceAttributes: { group, resource, subresource, namespace, name, verb } },
        };
        const path = resourcePath(resources.selfSubjectAccessReview, undefined);
        const reference = { type: resources.selfSubjectAccessReview, namespace: '', name: '' };
        const request = { method: 'POST' as const, path, ...json(review) };
        const { status } = await callFor(accessReview, { verb: 'create', reference }, request, signal);
        return status.allowed ? [] : [verb];
      }),
    );
    return answers.flat();
  }

  /** The user name that the API server has for these credentials; undefined if it does not tell (Kubernetes before 1.28). */
  async function username(signal: AbortSignal): Promise<string | undefined> {
    const type = resources.selfSubjectReview;
    const reference = { type, namespace: '', name: '' };
    const review = { apiVersion: type.apiVersion, kind: type.kind };
    const request = { method: 'POST' as const, path: resourcePath(type, undefined), ...json(review) };
    try {
      const answer = await callFor(subjectReview, { verb: 'create', reference }, request, signal);
      return answer.status.userInfo.username;
    } catch (error) {
      if (isSluiceError(error)) return undefined;
      throw error;
    }
  }

  return { missingVerbs, username };
}
