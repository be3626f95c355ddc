import * as z from 'zod';

/** A condition in the status of an object, as most kinds of Kubernetes have it. */
export const condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
});
