import { isOwn } from '../../cluster/ownership.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import { selects } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import type { ArmsContext } from '../arms-context.ts';
import { canaryLabelsBeside } from '../canary-labels.ts';
import {
  canaryDestinationRule,
  canaryService,
  destinationRule,
  hostOf,
  isAbout,
  type Service,
} from '../canary-network.ts';
import { podEntries } from '../copied-metadata.ts';
import { compareSelectors, findOtherSelectors, podSelectors, serviceLabels } from '../refusals/other-selectors.ts';
import { listServices, serviceOf } from '../services.ts';
import { referenceOf, type Workload } from '../workload.ts';
import type { DerivedRelease } from './release.ts';

/** The canary's labels, its Service, and its DestinationRule. */
export async function inspectNetwork(
  context: ArmsContext,
  stable: Workload,
  release: DerivedRelease,
  signal: AbortSignal,
) {
  const { client, namespace, rollout } = context;
  const others = await findOtherSelectors(context, signal);
  const templateLabels = stable.spec.template.metadata?.labels ?? {};
  const services = (await listServices(client, namespace, signal)).filter((found) => !isOwn(found, rollout));
  const service = serviceOf(services, templateLabels, release.service, namespace);
  const selected = Object.assign({}, stable.spec.selector.matchLabels, ...services.map(({ spec }) => spec.selector));
  const stableLabels = podEntries(templateLabels, selected);
  const compared = { workload: `${stable.kind}/${stable.metadata.name}`, stable: templateLabels };
  const ofService = ({ spec }: Service) => ({ matchLabels: spec.selector ?? {} });
  if (release.joinService) {
    if (!service) throw noService(describe(referenceOf(stable, namespace)));
    const keep = [ofService(service)];
    const { labels } = canaryLabelsBeside(stableLabels, [stable.spec.selector], keep, podSelectors(others));
    const warnings = compareSelectors(others, { ...compared, canary: labels });
    return { labels, service: service.metadata.name, canaryService: service.metadata.name, objects: [], warnings };
  }
  const avoid = [stable.spec.selector, ...services.map(ofService)];
  const { labels, stillSelects } = canaryLabelsBeside(stableLabels, avoid, [], podSelectors(others));
  const [caught] = services.filter((candidate) => selects(ofService(candidate), labels));
  if (stillSelects.length > 0) {
    throw new SluiceError('unsupported', {
      about: caught
        ? describe({ type: resources.service, namespace, name: caught.metadata.name })
        : describe(referenceOf(stable, namespace)),
      problem: 'selects pods in a way that no label of the canary can escape, so it would get traffic at once.',
      next: 'Let it select by a label with a value, such as app=NAME.',
    });
  }
  if (!service) {
    const warnings = compareSelectors(others, { ...compared, canary: labels });
    return { labels, service: undefined, canaryService: undefined, objects: [], warnings };
  }
  const ofCanary = canaryService(service, labels, { namespace, rollout, selecting: serviceLabels(others) });
  const metadata = { stable: service.metadata.labels ?? {}, canary: ofCanary.metadata.labels };
  const warnings = compareSelectors(others, { ...compared, canary: labels, services: metadata });
  const rules = release.istio ? await client.list(resources.destinationRule, namespace, {}, signal) : [];
  const rule = rules
    .map((object) => readObject(object, destinationRule))
    .find((found) => isAbout(found, service.metadata.name, namespace));
  const objects =
    rule && !isOwn(rule, rollout)
      ? [
          ofCanary,
          canaryDestinationRule(
            rule,
            { subset: release.istio?.subset, host: hostOf(ofCanary, namespace) },
            { namespace, rollout },
          ),
        ]
      : [ofCanary];
  return { labels, service: service.metadata.name, canaryService: ofCanary.metadata.name, objects, warnings };
}

function noService(about: string): SluiceError {
  return new SluiceError('not-found', {
    about,
    problem: 'has pods that no Service selects, so pod counts spread no requests.',
    next: 'Make a Service that selects them, or use another router.',
  });
}
