/** From a trial to a judgement: the same words for whatever was tried. */
import type { ModulePlace } from '../facts.js';
import type { Judgement, PlaneName } from '../finding.js';
import type { Trial } from '../trial.js';

export interface Tried {
  readonly trial: Trial;
  /** What works, e.g. `an ipip link can be made`. */
  readonly works: string;
  readonly plane: PlaneName;
  /** What it means that it doesn't. */
  readonly means: string;
  /** Goes without it, if worse. */
  readonly isOptional?: boolean;
  readonly module?: { readonly name: string; readonly place: ModulePlace };
  /** Where no module is to blame. */
  readonly remedy?: string;
}

export function judgeTrial(tried: Tried): Judgement {
  const { trial, works, plane, means, module } = tried;
  if (trial.kind === 'works') return { status: 'ok', found: works };
  const isOptional = tried.isOptional === true;
  if (trial.kind === 'untried') return judgeUntried(trial.why, tried, isOptional);
  const remedy = [remedyFor(module), tried.remedy].filter((part) => part !== undefined).join('; ');
  return {
    status: isOptional ? 'warn' : 'lack',
    found: trial.message,
    means,
    remedy: remedy === '' ? 'use another kernel, or the other data plane' : remedy,
    ...(!isOptional && { blocks: [plane] }),
  };
}

function judgeUntried(why: string, { plane, means, module }: Tried, isOptional: boolean): Judgement {
  if (module?.place === 'absent') {
    return {
      status: isOptional ? 'warn' : 'lack',
      found: `not tried (${why}); the kernel's lists have no module ${module.name}`,
      means,
      remedy: remedyFor(module) ?? '',
      ...(!isOptional && { blocks: [plane] }),
    };
  }
  const listed = module === undefined ? '' : `; ${WHERE[module.place](module.name)}`;
  return { status: 'skip', found: `not tried: ${why}${listed}`, ...(!isOptional && { leavesOpen: [plane] }) };
}

const WHERE: Readonly<Record<ModulePlace, (name: string) => string>> = {
  builtin: (name) => `${name} is built into the kernel`,
  loaded: (name) => `the module ${name} is loaded`,
  file: (name) => `the module ${name} is there to be loaded`,
  absent: (name) => `the kernel's lists have no module ${name}`,
  unknown: (name) => `there is no list of modules that would have ${name}`,
};

function remedyFor(module: Tried['module']): string | undefined {
  if (module === undefined) return undefined;
  const { name, place } = module;
  if (place === 'file') return `the module ${name} is there: run "modprobe ${name}" as root, and look at what it says`;
  if (place === 'absent' || place === 'unknown') {
    return `install a kernel that has ${name} (Debian: linux-image-amd64; Ubuntu: linux-modules-extra-$(uname -r)); in a container, load it on its host`;
  }
  return undefined;
}
