"""Plans, counted exactly by all workers together.

client > chores        asks the store for leases, off the event loop, by the store's `clock`
state > rounds         all plans in use in one worker, and at which of them it looks when (pure)
admission              one connection and the plans it draws from (pure)
quota, rate > meter    a lease on a quota, a reservation of a rate, and what messages draw from (pure)
stores > rules         the engines that lend, and the terms on which they do (pure)
usage, limits          what is used and left; what a plan allows (pure)
spent_file             what a worker has spent, in a file that outlives it
"""
