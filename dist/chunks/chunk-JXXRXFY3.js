import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{__commonJS}from"./chunk-S4DEFMS7.js";var require_node_os=__commonJS({"builtin:node:os"(exports,module){module.exports=process.getBuiltinModule("node:os")}});export{require_node_os};
