"Solutions and well-known wrong answers of chapter 15."
PLAIN, NOISE, DROPOUT, BOTH = {}, dict(noise='normal'), dict(dropout=.4), dict(noise='normal', dropout=.4)

CASES = {
    'renamed': ({'b', 'd'}, [({'a'}, "at its default"), ({'b', 'c', 'd'}, "sorted"), ({'d'}, "no longer is"),
                             ({'b'}, "enters the text"), ({'b', 'd', 'e'}, "letters are")]),
    'two-factors': (dict(plain=PLAIN, noise=NOISE, dropout=DROPOUT, both=BOTH),
                    [(dict(plain=PLAIN, better=BOTH), "noise never changes alone"),
                     (dict(plain=PLAIN, noise=NOISE, both=BOTH), "dropout never changes alone"),
                     (dict(plain=PLAIN, noise=NOISE, dropout=DROPOUT), "without an arm that has both"),
                     (dict(noise=NOISE, dropout=DROPOUT, both=BOTH), "plain arm is missing"),
                     (dict(plain=PLAIN, other=dict(seed=1)), "every seed anyway"),
                     (dict(plain=PLAIN, noise=NOISE | dict(init='normal')), "a third thing, init"),
                     (dict(plain=PLAIN, dropout=dict(dropout=.3)), "values of the study"),
                     (dict(plain=PLAIN, same={}), "same experiment")]),
}
