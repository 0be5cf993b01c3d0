"The exercises of the course: questions, right answers, and wrong ones with their reasons. Only `check` loads them."
