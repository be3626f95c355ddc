import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{__commonJS}from"./chunk-S4DEFMS7.js";var require_node_http=__commonJS({"builtin:node:http"(exports,module){module.exports=process.getBuiltinModule("node:http")}});export{require_node_http};
