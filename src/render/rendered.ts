import type { RequirementId } from './requirements.ts';

/** What `render` makes: files in the order in which they are shown, and what the engine cannot do. */
export interface Rendered {
  /** Never empty. Paths are relative; the first file is the main one. */
  readonly files: readonly RenderedFile[];
  readonly warnings: readonly RenderWarning[];
}

export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

/** Something that the engine cannot do, and what follows from it. */
export interface RenderWarning {
  readonly requirement: RequirementId;
  /** One factual sentence that names the consequence, lower case, no final stop. */
  readonly message: string;
}
