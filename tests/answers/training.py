"Solutions and well-known wrong answers of chapter 14."
ALL = {'G', 'D', 'opt_g', 'opt_d', 'G_ema', 'stream', 'step'}

CASES = {
    'what-to-keep': (ALL, [({'G', 'D'}, "without opt_g"), (ALL - {'stream'}, "dropout masks"),
                           (ALL - {'step'}, "begin again"), (ALL - {'G_ema'}, "sum over all past"),
                           (ALL | {'data'}, "loaded again by name"), (ALL | {'loss'}, "without memory"),
                           (ALL | {'fakes'}, "anew"), (ALL | {'epoch'}, "not one of the names"),
                           ('G', "without D")]),
    'g-moves': (188, [(938, "n_d = 1"), (937, "dropped"), (187, "not complete"), (4690, "of its own"),
                      (940, "D's moves"), (12, "divide by")]),
}
