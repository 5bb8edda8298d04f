"""A shop and its users, who generate logs of all inputs. Pure NumPy; nobody ever did what these logs tell.

config (every parameter) -> categories, page graph, goals (the tables of one shop) -> traits (what lasts of a user)
-> dynamics (the hidden state, page by page) -> journeys (the pages of whole logs) -> touch and views (what is logged).
rollouts go on from the hidden state of a moment and give the true probability of every intent.

The hidden state decides everything that comes; what is logged of a page depends on the state and on nothing else. So
the state of a moment holds all that any log can tell of the future.
"""
