// Work beside the page: the same functions in a Web Worker, or in the page where there can be none.
// A bundle wraps the parts that compute into `engine`; a worker is made of its text, so nothing is loaded.

/** Inside a worker: answers each message {id, task, given} with {id, answer} or {id, error}. */
export function serve(scope, tasks) {
  scope.onmessage = ({ data: { id, task, given } }) => {
    try { scope.postMessage({ id, answer: tasks[task](given) }); } catch (error) { scope.postMessage({ id, error: String(error) }); }
  };
}
