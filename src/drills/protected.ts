/** Namespaces of the cluster's own parts, which no drill may touch. */
export const protectedNamespaces: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];
