"""The flight recorder: what passes on chosen connections, kept for a while, with the consent of whose traffic it is.

operations, queries   what people may begin, end, forbid and read
recorder > tap        what one worker takes down, and where it hears it: only on connections that are recorded
store                 rows, bounded, and what is over
files > export        JSON Lines and HAR (`export` is pure)
"""
