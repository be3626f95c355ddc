import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as r}from"./chunk-PO2BW2DC.js";function n({STATE_sluice:e=""}){if(e==="")return!1;try{return JSON.parse(e).over!==!0}catch{return!0}}r(n,"isLeft");export{n as a};
