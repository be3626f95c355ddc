import { qualifiedName, type Resource } from './resources.ts';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Partial<StatusCause>[];
  readonly retryAfterSeconds?: number;
}

/** A refusal in the server's words: wording and fields follow k8s.io/apimachinery `pkg/api/errors`. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The `Status` object of the answer. */
  toJSON() {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details !== undefined && { details: this.details }),
      code: this.code,
    };
  }
}

/** The answer to a DELETE that took effect at once. */
export function success(resource: Resource, name: string, uid: string) {
  const details = { name, ...groupOf(resource), kind: resource.plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

export function notFound(resource: Resource, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualifiedName(resource)} "${name}" not found`, about(resource, name));
}

export function noSuchPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError(405, 'MethodNotAllowed', message, {});
}

export function alreadyExists(resource: Resource, name: string): StatusError {
  const message = `${qualifiedName(resource)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, about(resource, name));
}

export function conflict(resource: Resource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, about(resource, name));
}

export function outdated(resource: Resource, name: string): StatusError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

/** 409 of a server-side apply: one cause for each field that another manager owns with another value. */
export function applyConflict(message: string, causes: readonly StatusCause[]): StatusError {
  return new StatusError(409, 'Conflict', message, { causes });
}

/** 422 of an invalid object; `name` and `kind` as in the server's details. */
export function invalid(kind: string, group: string, name: string, causes: readonly StatusCause[]): StatusError {
  const listed = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const told = listed.length === 1 ? listed[0] : `[${listed.join(', ')}]`;
  const subject = group === '' ? kind : `${kind}.${group}`;
  const details = { ...(name !== '' && { name }), ...(group !== '' && { group }), kind, causes };
  return new StatusError(422, 'Invalid', `${subject} "${name}" is invalid: ${told}`, details);
}

/** 422 of a JSON Patch that can't be applied. The server does not tell which operation failed. */
export function patchRejected(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

export interface Access {
  readonly user: string;
  readonly verb: string;
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export function forbidden(access: Access): StatusError {
  const { resource, name, namespace } = access;
  const what = access.subresource === '' ? resource.plural : `${resource.plural}/${access.subresource}`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const subject = name === '' ? qualifiedName(resource) : `${qualifiedName(resource)} "${name}"`;
  const message =
    `${subject} is forbidden: User "${access.user}" cannot ${access.verb} resource "${what}" ` +
    `in API group "${resource.group}" ${scope}`;
  return new StatusError(403, 'Forbidden', message, about(resource, name));
}

export function expired(asked: number, oldest: number): StatusError {
  return new StatusError(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

export function invalidResourceVersion(given: string): StatusError {
  const message = `resourceVersion: Invalid value: "${given}": strconv.ParseUint: parsing "${given}": invalid syntax`;
  return new StatusError(400, 'BadRequest', message);
}

export function resourceVersionTooLarge(asked: number, current: number): StatusError {
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return new StatusError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 });
}

export function serviceUnavailable(message: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', message);
}

function about(resource: Resource, name: string): StatusDetails {
  return { ...(name !== '' && { name }), ...groupOf(resource), kind: resource.plural };
}

function groupOf(resource: Resource): { group?: string } {
  return resource.group === '' ? {} : { group: resource.group };
}
