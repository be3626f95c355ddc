import * as z from 'zod';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Readable } from '../objects/readable.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

/** Controllers that support ingress-nginx’s canary annotations, by their names in an IngressClass. */
const followers: readonly RegExp[] = [
  // With `--controller-class`, a second controller has a name such as k8s.io/internal-ingress-nginx.
  /ingress-nginx/,
  /^webapprouting\.kubernetes\.azure\.com\/nginx/,
  /^higress\.io\//,
  /^mse\.alibabacloud\.com\//,
  /tengine-ingress/,
];

interface Other {
  readonly title: string;
  readonly controller: RegExp;
  /** Names of the class that nearly always mean this controller. */
  readonly className: RegExp;
  readonly instead: string;
}

const gatewayApi = 'a Gateway and an HTTPRoute of it ("route: httproute/NAME")';
const pods = '"router: replicas"';

const others: readonly Other[] = [
  {
    title: 'the AWS Load Balancer Controller',
    controller: /(ingress\.k8s\.aws|eks\.amazonaws\.com)\/alb/,
    className: /^alb/,
    instead: gatewayApi,
  },
  { title: 'GKE Ingress', controller: /ingress-gce|networking\.gke\.io/, className: /^gce/, instead: gatewayApi },
  { title: 'Kong', controller: /konghq\.com/, className: /^kong/, instead: gatewayApi },
  {
    title: 'Traefik',
    controller: /traefik\.io\/ingress-controller/,
    className: /^traefik/,
    instead: 'a weighted TraefikService ("route: traefikservice/NAME")',
  },
  { title: 'HAProxy', controller: /haproxy/, className: /^haproxy/, instead: `${gatewayApi}, or ${pods}` },
  {
    title: 'NGINX Inc.’s controller',
    controller: /nginx\.org\/ingress-controller/,
    className: /^nginx-(inc|plus|org)/,
    instead: `${gatewayApi} of NGINX Gateway Fabric, or ${pods}`,
  },
  {
    title: 'Azure Application Gateway',
    controller: /azure\/application-gateway|alb\.networking\.azure\.io/,
    className: /^azure-(application-gateway|alb)/,
    instead: gatewayApi,
  },
  { title: 'Contour', controller: /projectcontour\.io/, className: /^contour/, instead: gatewayApi },
  { title: 'Cilium', controller: /cilium\.io/, className: /^cilium/, instead: gatewayApi },
  {
    title: 'Istio',
    controller: /istio\.io/,
    className: /^istio/,
    instead: 'a VirtualService ("route: virtualservice/NAME")',
  },
  { title: 'OpenShift', controller: /openshift\.io/, className: /^openshift/, instead: pods },
  { title: 'APISIX', controller: /apisix/, className: /^apisix/, instead: `${gatewayApi}, or ${pods}` },
];

const ingress = z.looseObject({
  spec: z.looseObject({ ingressClassName: z.string().optional() }).prefault({}),
  status: z
    .looseObject({
      loadBalancer: z.looseObject({ ingress: z.array(z.unknown()).default([]) }).prefault({}),
    })
    .prefault({}),
});
const ingressClass = z.looseObject({ spec: z.looseObject({ controller: z.string().default('') }).prefault({}) });

/** The class that an Ingress names, by annotation or field; empty if it names none. */
export function classNameOf(object: KubernetesObject): string {
  return object.metadata.annotations?.[CLASS_ANNOTATION] ?? readObject(object, ingress).spec.ingressClassName ?? '';
}

/**
 * Checks that ingress-nginx serves an Ingress. Other controllers take a canary Ingress for an ordinary one, and may send all
 * requests to the canary.
 *
 * @param about `Ingress shop/checkout`
 * @returns what could not be seen, for the log
 * @throws SluiceError `unsupported` for an Ingress of another controller, or of none
 */
export async function requireIngressNginx(
  about: string,
  object: KubernetesObject,
  readable: Readable,
): Promise<string[]> {
  const classes = await readable.list(resources.ingressClass, '');
  // The annotation comes first: controllers look at it before the field.
  const annotated = object.metadata.annotations?.[CLASS_ANNOTATION];
  const named = readObject(object, ingress).spec.ingressClassName;
  const isDefault = ({ metadata }: KubernetesObject) => metadata.annotations?.[DEFAULT_ANNOTATION] === 'true';
  const name = annotated ?? named ?? classes?.find(isDefault)?.metadata.name;
  if (name === undefined) return withoutClass(about, object, classes !== undefined);

  const found = classes?.find(({ metadata }) => metadata.name === name);
  if (found === undefined) {
    if (classes !== undefined && annotated === undefined) throw noSuchClass(about, name, classes);
    // A class that an annotation names needs no IngressClass object.
    refuseOther(
      about,
      name,
      others.find(({ className }) => className.test(name)),
    );
    return /nginx/.test(name) ? [] : [`which controller takes the class ${name} of ${about} could not be seen`];
  }
  const { controller } = readObject(found, ingressClass).spec;
  if (followers.some((pattern) => pattern.test(controller))) return [];
  refuseOther(
    about,
    `${name}, controller ${controller}`,
    others.find((other) => other.controller.test(controller)),
  );
  return [`whether controller ${controller} of ${about} follows the canary annotations of ingress-nginx is not known`];
}

function refuseOther(about: string, said: string, other: Other | undefined): void {
  if (other === undefined) return;
  throw new SluiceError('unsupported', {
    about,
    problem: `belongs to ${other.title} (class ${said}), which knows no canary annotations of ingress-nginx.`,
    next: `Use what it has weights in: ${other.instead}.`,
  });
}

function withoutClass(about: string, object: KubernetesObject, seen: boolean): string[] {
  const { loadBalancer } = readObject(object, ingress).status;
  if (loadBalancer.ingress.length > 0 || !seen)
    return [`which controller takes ${about}, which names no class, could not be seen`];
  throw new SluiceError('unsupported', {
    about,
    problem: 'names no class, no IngressClass is the default one, and no controller has taken it.',
    next: 'Set spec.ingressClassName to that of ingress-nginx.',
  });
}

function noSuchClass(about: string, name: string, classes: readonly KubernetesObject[]): SluiceError {
  const names = classes.map(({ metadata }) => metadata.name).join(', ') || 'none';
  return new SluiceError('unsupported', {
    about,
    problem: `names IngressClass ${name}, which does not exist: no controller takes it.`,
    next: `Name one that exists in spec.ingressClassName: ${names}.`,
  });
}
