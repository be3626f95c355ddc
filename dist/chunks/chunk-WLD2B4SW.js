import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{__commonJS}from"./chunk-S4DEFMS7.js";var require_node_url=__commonJS({"builtin:node:url"(exports,module){module.exports=process.getBuiltinModule("node:url")}});export{require_node_url};
