import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{require_webidl}from"./chunk-EOB5ICJ2.js";import{__toESM}from"./chunk-S4DEFMS7.js";var import_webidl=__toESM(require_webidl()),exported=import_webidl.default;export{exported as"module.exports"};
