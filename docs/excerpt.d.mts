/** The verdict and the sections of a text report that README.md shows. */
export function excerpt(report: string): string;
/** The document with the text between `<!-- name… -->` and `<!-- end -->` replaced. */
export function replaceBlock(document: string, name: string, text: string): string;
/** The text between the two marks. */
export function readBlock(document: string, name: string): string;
