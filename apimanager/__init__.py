"""The frame: how the others run. Wiring and nothing else.

settings, urls, api_urls, asgi    what is set, which room answers which address
launch, preflight, banner, signals, pid_file   the processes: checked, started, announced, stopped
bootstrap, key_files, tls, fingerprint         what a first start makes, and all machines share
portal, mail, upkeep              the portals' server, and the threads beside it
middleware, refusals, rest, documents, not_found   what holds for every page and every REST call
samples, filling, copying         backends to try; installations filled and moved
management                        the commands
"""
