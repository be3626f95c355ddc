import { input } from './input-schema.ts';
import { namespaceName, text } from './input-types.ts';

/** The inputs for access to the cluster, and the namespace of the subject. */
export function clusterInputs(subject: string) {
  return {
    kubeconfig: input(text, {
      group: 'cluster',
      description:
        'Path or content of a kubeconfig, the content also in base64. Without it, what kubectl would use: `KUBECONFIG`, `~/.kube/config`, or the service account of the pod. Content is masked.',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a workflow expression is what users write
      example: '${{ secrets.KUBECONFIG }}',
    }),
    context: input(text, {
      group: 'cluster',
      description: 'Context of the kubeconfig, if it is not its current one.',
      example: 'production',
    }),
    namespace: input(namespaceName, {
      group: 'cluster',
      description: `Namespace of ${subject}. Without it, that of the context.`,
      example: 'shop',
    }),
  };
}

export function reportInput(example: string) {
  return input(text, {
    group: 'behaviour',
    description: 'Path of the JSON report. Without it, a file in the temporary folder of the runner.',
    example,
  });
}
