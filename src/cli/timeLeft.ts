/** How much longer work of equal pieces takes, in words: `about 40 s left`; nothing before the first piece is done. */
export function timeLeft(done: number, total: number, elapsedMs: number): string {
  if (done === 0 || done >= total) return '';
  const seconds = (elapsedMs / 1000 / done) * (total - done);
  if (seconds < 1.5) return 'about 1 s left';
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}
