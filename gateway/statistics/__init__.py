"""What passed and what happened, by minute, hour and day.

queries    sums over a span of time, for those whom they concern
rollup     minutes become part of hours, hours of days, by one process
events     refusals, closes and durations, counted by each worker in memory
usage      what is used of plans, who is told, what a month came to
figures    what the connection log says is added up, in the transaction that writes it
chart      a line of numbers as a drawing
spans      the spans that people look at, cut into steps of their own time zone
"""
