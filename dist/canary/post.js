import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as o}from"../chunks/chunk-64F2B6RA.js";import"../chunks/chunk-PO2BW2DC.js";if(o(process.env)){let{canaryPost:s}=await import("../chunks/canary-job-ZWXXLFAY.js");await s(process.env)}
