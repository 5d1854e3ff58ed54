// Loaded into a daemon before its own code: stands for a mistake in it that nobody foresaw.
process.on('SIGWINCH', () => {
  throw new Error('the unforeseen happened', { cause: new Error('a mistake of ours') });
});
process.on('SIGURG', () => {
  void Promise.reject(new Error('nobody waited for this\nin two lines'));
});
