import { isDeepStrictEqual } from 'node:util';
import { type JsonRecord, type KubeObject, recordOf } from './objects.ts';
import type { Resource } from './resources.ts';
import { invalid, type StatusCause } from './status.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const qualifiedKey = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/**
 * The server's rules that a tool which creates workloads, names and labels can break.
 *
 * @throws StatusError 422 with a cause for each broken rule.
 */
export function validate(resource: Resource, object: KubeObject, current: KubeObject | undefined): void {
  const causes = [...metadataCauses(resource, object), ...workloadCauses(resource, object, current)];
  if (causes.length > 0) throw invalid(resource.kind, resource.group, object.metadata.name, causes);
}

function metadataCauses(resource: Resource, object: KubeObject): StatusCause[] {
  const { name, labels = {}, annotations = {} } = object.metadata;
  const causes: StatusCause[] = [];
  if (name === '') {
    causes.push({
      reason: 'FieldValueRequired',
      message: 'Required value: name or generateName is required',
      field: 'metadata.name',
    });
  } else if (
    resource.kind === 'Service' ? !dnsLabel.test(name) || name.length > 63 : !subdomain.test(name) || name.length > 253
  ) {
    causes.push(invalidValue('metadata.name', name, nameRule(resource)));
  }
  causes.push(...labelCauses('metadata.labels', labels));
  for (const key of Object.keys(annotations)) {
    if (!qualifiedKey.test(key))
      causes.push(invalidValue('metadata.annotations', key, 'name part must consist of alphanumeric characters'));
  }
  return causes;
}

function nameRule(resource: Resource): string {
  return resource.kind === 'Service'
    ? "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
    : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
}

function labelCauses(field: string, labels: Readonly<Record<string, string>>): StatusCause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (!qualifiedKey.test(key)) return [invalidValue(field, key, 'name part must consist of alphanumeric characters')];
    if (value.length > 63) return [invalidValue(field, value, 'must be no more than 63 bytes')];
    if (labelValue.test(value)) return [];
    return [
      invalidValue(
        field,
        value,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'",
      ),
    ];
  });
}

function workloadCauses(resource: Resource, object: KubeObject, current: KubeObject | undefined): StatusCause[] {
  if (!resource.scale) return [];
  const spec = recordOf(object.spec);
  const template = recordOf(spec.template);
  const labels = recordOf(recordOf(template.metadata).labels);
  const causes: StatusCause[] = [];
  if (spec.selector === undefined) {
    causes.push(required('spec.selector'));
  } else if (current && !isDeepStrictEqual(spec.selector, recordOf(current.spec).selector)) {
    causes.push(invalidValue('spec.selector', spec.selector, 'field is immutable'));
  }
  if (!selects(recordOf(spec.selector), labels)) {
    const value = Object.keys(labels).length === 0 ? null : labels;
    causes.push(invalidValue('spec.template.metadata.labels', value, '`selector` does not match template `labels`'));
  }
  const { containers } = recordOf(template.spec);
  if (!Array.isArray(containers) || containers.length === 0) causes.push(required('spec.template.spec.containers'));
  const texts = Object.entries(labels).map(([key, value]) => [key, String(value)]);
  return [...causes, ...labelCauses('spec.template.labels', Object.fromEntries(texts))];
}

function selects(selector: JsonRecord, labels: JsonRecord): boolean {
  const wanted = Object.entries(recordOf(selector.matchLabels));
  return (
    (wanted.length > 0 || selector.matchExpressions !== undefined) &&
    wanted.every(([key, value]) => labels[key] === value)
  );
}

function required(field: string): StatusCause {
  return { reason: 'FieldValueRequired', message: 'Required value', field };
}

function invalidValue(field: string, value: unknown, why: string): StatusCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}
