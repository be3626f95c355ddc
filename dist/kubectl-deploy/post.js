import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as t}from"../chunks/chunk-64F2B6RA.js";import"../chunks/chunk-PO2BW2DC.js";if(t(process.env)){let{kubectlPost:o}=await import("../chunks/job-SIPAFLLV.js");await o(process.env)}
