import * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { readYamlDocument } from '../../core/yaml-value.ts';
import type { Connection } from '../../remote/connection.ts';
import { inputType, wrong } from '../../runner/input-types.ts';
import { must } from './check-list.ts';

const text = z.string(must('a text')).min(1, 'must not be empty');

const connection = z
  .strictObject({
    address: text,
    token: text.optional(),
    'token-file': text.optional(),
    username: text.optional(),
    password: text.optional(),
    ca: text.optional(),
    cert: text.optional(),
    key: text.optional(),
    sigv4: z.strictObject({ region: text, service: text }, must('a map with region and service')).optional(),
    headers: z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), text, must('names and values')).optional(),
  })
  .superRefine(({ token, 'token-file': file, username, password, cert, key, sigv4 }, context) => {
    if ([token, file, username, sigv4].filter((way) => way !== undefined).length > 1)
      context.addIssue('has several ways to log in: give one of "token", "token-file", "username" and "sigv4"');
    if ((username === undefined) !== (password === undefined))
      context.addIssue('needs "username" and "password" together');
    if ((cert === undefined) !== (key === undefined)) context.addIssue('needs "cert" and "key" together');
  });

const connectionName = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Characters of the input, certificates included. */
const LONGEST = 100_000;

/** How servers are reached, by name: a YAML map. Values may be secret, so errors quote none. */
export const connections = inputType('a YAML map from a name to its address and login', (given) => {
  if (given.length > LONGEST) wrong(`has more than ${LONGEST.toLocaleString('en')} characters.`);
  const document = readYamlDocument(given);
  if ('problem' in document) return wrong(`is not YAML: ${document.problem}.`);
  const named = z.record(z.string(), z.unknown()).safeParse(document.value);
  if (!named.success)
    return wrong('is not a YAML map; write for example "loki: {address: k8s://monitoring/loki:3100}".');
  const problems: string[] = [];
  const found = new Map<string, Connection>();
  for (const [name, settings] of Object.entries(named.data)) {
    if (!connectionName.test(name)) {
      problems.push('a name has other signs than small letters, digits and -');
      continue;
    }
    // An address alone is enough where nobody has to log in.
    const parsed = connection.safeParse(typeof settings === 'string' ? { address: settings } : settings);
    if (parsed.success) found.set(name, connectionOf(parsed.data));
    else problems.push(...parsed.error.issues.map((issue) => `${name} ${problemOf(issue)}`));
  }
  if (problems.length > 0) wrong(`${problems.join('; ')}.`);
  return found;
});

function connectionOf(settings: z.infer<typeof connection>): Connection {
  const { address, ca, cert, key, headers } = settings;
  const authorization = authorizationOf(settings);
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return {
    address,
    ...(authorization && { authorization }),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(headers && { headers }),
  };
}

function authorizationOf(settings: z.infer<typeof connection>): Connection['authorization'] {
  const { token, 'token-file': path, username, password, sigv4 } = settings;
  if (token !== undefined) return { kind: 'bearer', token };
  if (path !== undefined) return { kind: 'bearer-file', path };
  if (sigv4) return { kind: 'sigv4', ...sigv4 };
  return username !== undefined && password !== undefined ? { kind: 'basic', username, password } : undefined;
}

/** What is wrong, without a value of the input: each may be a secret. */
function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(connection.shape);
    const meant = nearest(issue.keys[0] ?? '', known);
    return `has an unknown key; ${meant === undefined ? `known are ${known.join(', ')}` : `"${meant}" is near`}`;
  }
  if (issue.code === 'invalid_key') return '"headers": a name is no name of a header';
  return issue.path.length === 0 ? issue.message : `"${issue.path.map(String).join('.')}": ${issue.message}`;
}

/** The secrets in the input, also where it can not be read as a whole: every value that is no address, name or path. */
export function connectionSecrets(given: string | undefined): string[] {
  if (given === undefined || given.trim() === '' || given.length > LONGEST) return [];
  const document = readYamlDocument(given);
  const named = 'value' in document ? z.record(z.string(), z.unknown()).safeParse(document.value) : undefined;
  return Object.values(named?.data ?? {}).flatMap((settings) => {
    const { token, password, key, headers } = secretFields.safeParse(settings).data ?? {};
    const values = [token, password, key, ...Object.values(headers ?? {})];
    return values.flatMap((value) =>
      typeof value === 'string' && !isPath(value) ? [value, value.replace(/^\S+\s+/, '')] : [],
    );
  });
}

const secretFields = z.looseObject({
  token: z.unknown().optional(),
  password: z.unknown().optional(),
  key: z.unknown().optional(),
  headers: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

/** The key of a client certificate may be given as the path of its file. */
function isPath(value: string): boolean {
  return /^[\w./-]+\.(?:key|pem)$/.test(value);
}
