#!/bin/sh
# Stands in for nsexec of Chaos Mesh, by which its daemon runs ip, tc, ipset and iptables in the network of a pod.
namespaces=
while [ $# -gt 0 ]; do
  case $1 in
    -n) namespaces="$namespaces --net=$2"; shift 2 ;;
    -p) namespaces="$namespaces --pid=$2"; shift 2 ;;
    -i) namespaces="$namespaces --ipc=$2"; shift 2 ;;
    -m) namespaces="$namespaces --mount=$2"; shift 2 ;;
    -l) shift ;;
    --) shift; break ;;
    *) break ;;
  esac
done
# shellcheck disable=SC2086 # A list of options.
exec nsenter $namespaces -- "$@"
