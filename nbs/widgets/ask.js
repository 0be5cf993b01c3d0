// The page's side of a worker.

/** Why a page computes itself, in one sentence. */
export const NO_WORKER = 'This browser cannot compute in the background, so the page may stutter.';

/**
 * `ask(task, given)` promises the answer of a task, computed in a worker; `name` is the function of the engine that
 * makes the tasks. Where no worker starts, `makeTasks` makes them here and `onPage` is told.
 */
export function startWorker(name, makeTasks, onPage = () => {}) {
  const waiting = new Map();
  let worker = null, tasks = null, count = 0;
  const settle = (id, work) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    try { resolve(work()); } catch (error) { reject(error); }
  };
  const answerHere = () => {
    if (tasks) return;
    worker?.terminate();
    [worker, tasks] = [null, makeTasks()];
    onPage(NO_WORKER);
    for (const [id, { task, given }] of waiting) settle(id, () => tasks[task](given));
  };
  try {
    const code = `const all = (${engine})(); all.serve(self, all.${name}());`; // ReferenceError where nothing is bundled
    const address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    worker = new Worker(address);
    worker.onmessage = ({ data: { id, answer, error } }) => {
      URL.revokeObjectURL(address); // it has been read
      settle(id, () => { if (error) throw new Error(error); return answer; });
    };
    worker.onerror = answerHere;
  } catch { answerHere(); }
  const ask = (task, given) => new Promise((resolve, reject) => {
    const id = count++;
    waiting.set(id, { resolve, reject, task, given });
    if (worker) worker.postMessage({ id, task, given });
    else settle(id, () => tasks[task](given));
  });
  return { ask, stop: () => worker?.terminate() };
}
