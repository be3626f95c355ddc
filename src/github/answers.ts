import * as z from 'zod';

/** The endpoint that names the user of the token. */
export const WHO = '/user';

const account = z.looseObject({ login: z.string(), type: z.string().optional() });

/** The fields that are read of comments, issues, pull requests, deployments and statuses. */
const item = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  number: z.number().optional(),
  state: z.string().optional(),
  body: z.string().nullish(),
  html_url: z.string().optional(),
  context: z.string().optional(),
  description: z.string().nullish(),
  target_url: z.string().nullish(),
  log_url: z.string().nullish(),
  environment_url: z.string().nullish(),
  user: account.nullish(),
});
const list = z.array(item);

/** Answers that are neither lists nor items, by their endpoints. */
const answers: Readonly<Record<string, z.ZodType>> = {
  [WHO]: account,
  '/repos/{owner}/{repo}/commits/{ref}/check-runs': z.looseObject({
    total_count: z.number(),
    check_runs: z.array(z.looseObject({ name: z.string(), status: z.string(), conclusion: z.string().nullable() })),
  }),
  '/repos/{owner}/{repo}/commits/{ref}/status': z.looseObject({
    total_count: z.number(),
    statuses: z.array(z.looseObject({ context: z.string(), state: z.string() })),
  }),
};

/** What an answer has to look like: reads give lists, and writes items, but for some endpoints. */
export function answerTo(method: string, url: string): z.ZodType {
  return answers[url] ?? (method === 'GET' ? list : item);
}
