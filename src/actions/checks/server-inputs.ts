// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions are what users write
import { input } from '../../runner/input-schema.ts';
import { text } from '../../runner/input-types.ts';
import { connections } from './connections-input.ts';

/** How the servers are reached that checks ask, beside Prometheus. */
export const serverInputs = {
  connections: input(connections, {
    group: 'metrics',
    description:
      'How other servers are reached, as a YAML map from a name to its `address` (a URL, or `k8s://NAMESPACE/SERVICE:PORT`) and, where it asks for one, a login: `token`, `token-file`, `username` and `password`, or `sigv4: {region, service}` for AWS; `ca`, `cert`, `key`, `headers`. A check finds its own by the name of its kind, or by `from`; `prometheus` is the one that queries ask, in place of the input of that name. Secrets are masked.',
    example: 'alertmanager: k8s://monitoring/alertmanager:9093',
  }),
  token: input(text, {
    group: 'metrics',
    description:
      'Token for GitHub, for checks of kind `github`; the job needs `checks: read`, `statuses: read` or `deployments: read`. Masked.',
    example: '${{ github.token }}',
  }),
};
