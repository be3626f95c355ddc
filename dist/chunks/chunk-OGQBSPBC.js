import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{__commonJS}from"./chunk-S4DEFMS7.js";var require_node_net=__commonJS({"builtin:node:net"(exports,module){module.exports=process.getBuiltinModule("node:net")}});export{require_node_net};
