import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{__commonJS}from"./chunk-S4DEFMS7.js";var require_node_child_process=__commonJS({"builtin:node:child_process"(exports,module){module.exports=process.getBuiltinModule("node:child_process")}});export{require_node_child_process};
