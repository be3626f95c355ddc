import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{require_response}from"./chunk-VM6Q5VJD.js";import"./chunk-WB2TPO45.js";import"./chunk-OLKXJOTP.js";import"./chunk-EOB5ICJ2.js";import{__toESM}from"./chunk-S4DEFMS7.js";var import_response=__toESM(require_response()),exported=import_response.default;export{exported as"module.exports"};
