import { AwsV4Signer } from 'aws4fetch';
import { SluiceError } from '../core/errors.ts';

/** What a signature is for. */
export interface SigningScope {
  /** `eu-west-1` */
  readonly region: string;
  /** As AWS names it in signatures: `aps`, `monitoring`, `es`. */
  readonly service: string;
}

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * The credentials of the environment, as aws-actions/configure-aws-credentials leaves them.
 *
 * @throws SluiceError `invalid-input` where there are none
 */
export function awsCredentials(env: Readonly<Record<string, string | undefined>>, product: string): AwsCredentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new SluiceError('invalid-input', {
      about: `credentials of ${product}`,
      problem: `are needed to sign requests: ${accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set.`,
      next: 'Run aws-actions/configure-aws-credentials in a step before, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });
  }
  return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) };
}

/**
 * The headers of a GET request, signed with AWS Signature Version 4
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html): those that are given, and those of the signature.
 *
 * @param url without `+` for spaces, which AWS reads as a plus
 * @param datetime `20150830T123600Z`; by default now
 */
export async function signedHeaders(
  url: string,
  headers: Readonly<Record<string, string>>,
  { credentials, ...scope }: SigningScope & { readonly credentials: AwsCredentials },
  datetime?: string,
): Promise<Record<string, string>> {
  const { region, service } = scope;
  const options = { method: 'GET', url, headers, region, service, ...credentials, ...(datetime && { datetime }) };
  const signed = await new AwsV4Signer(options).sign();
  return Object.fromEntries(signed.headers);
}
