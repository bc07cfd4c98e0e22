"""From a listening socket to a decision.

master > supervisor > processes   the processes, kept alive and renewed
worker > acceptor > listeners     one worker: its sockets, its clients, its end
quick > prepared, entry           the quick way in for ordinary handshakes, and what a worker keeps for the next time
http > websocket                  one request read within limits; a client between its handshake and its backend
asgi > consumer > context         the application: decide, dial, accept, hand over
http_endpoints                    tickets and re-authentication over plain HTTP
config, lingering_close           what the server is told; the last words to who is refused
proxy_protocol, memory_guard      for whom a proxy speaks; who goes when memory runs out
"""
