"""The README's pictures, made from the lab: `python -m tests.pictures` writes them to `.github/pictures/`.

`terminal` draws what a command printed, `lab` lets the lab make what is drawn. A test compares what the pictures say
with what the product says today, numbers and times aside: a picture that has gone stale fails it.
"""
