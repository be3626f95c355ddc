import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as o}from"../chunks/chunk-64F2B6RA.js";import"../chunks/chunk-PO2BW2DC.js";if(o(process.env)){let{helmPost:s}=await import("../chunks/job-S2NJZB65.js");await s(process.env)}
