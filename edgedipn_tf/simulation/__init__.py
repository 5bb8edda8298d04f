"""A small shop and its users, who generate logs of all inputs. Pure NumPy; nobody ever did what these logs tell.

world (categories, pages, buttons) -> users (lasting traits) -> visits (goals) -> pages -> actions of the three views.
What a person wants (the goal of a visit) drives all views, so each view carries its own part of the intents: touch
tells a visit that compares from one that decides, which look alike in the browse view.
"""
