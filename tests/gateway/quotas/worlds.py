"""Workers, a store and a clock, as the tests of quotas need them together."""

from __future__ import annotations

from gateway.quotas.admission import Admission
from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitExceeded
from tests.gateway.metering_world import EPOCH, Clock, Flow, MemoryStore, Relayed, SimulatedWorker
from tests.gateway.quotas.streams import messages


class OneWorker:
    """One worker, one store, one clock; `connect` opens connections under a plan."""

    def __init__(self, plan: PlanLimits | None = None, application: PlanLimits | None = None) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.worker = SimulatedWorker("a", self.store, EPOCH)
        self.plan = plan
        self.application = application

    def connect(self, *, may_skip: bool = True, limit: int = 0) -> Flow:
        """What the client of a new connection sends."""
        admission = self.worker.enter(self.clock.now, self.plan, application=self.application)
        for _ in range(3):
            if admission.try_admit(self.clock.now) is None:
                break
            self.step()
        else:
            raise AssertionError("not let in")
        self.step()
        flow = Relayed(admission, self.clock, may_skip=may_skip, limit=limit).client
        self.worker.flows.append(flow)
        return flow

    def step(self, later: float = 0.0) -> None:
        self.clock.now += later
        self.worker.look(self.clock.now)

    def run(self, seconds: float, step: float = 0.05) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.step(step)


class SaturatedRate:
    """Saturated flows on several workers under one rate; time goes on in steps of two milliseconds."""

    def __init__(self, plan: PlanLimits, workers: int, flows: int = 2) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.plan = plan
        self.workers = [SimulatedWorker(f"w{number}", self.store, EPOCH) for number in range(workers)]
        self.flows = [self.connect(worker) for worker in self.workers for _ in range(flows)]

    def connect(self, worker: SimulatedWorker) -> Flow:
        admission = worker.enter(self.clock.now, self.plan)
        assert admission.try_admit(self.clock.now) is None
        worker.flows.append(Relayed(admission, self.clock).client)
        return worker.flows[-1]

    def run(self, seconds: float, *, delay: float = 0.0) -> int:
        """How many messages passed. The store takes `delay` seconds to answer."""
        before, end = self.passed(), self.clock.now + seconds
        free_at = dict.fromkeys((worker.name for worker in self.workers), 0.0)
        while self.clock.now < end:
            self.clock.now += 0.002
            for worker in self.workers:
                for flow in worker.flows:
                    while not flow.is_held and flow.is_open:
                        flow.receive(messages(25))
                now = self.clock.now
                worker.lease_state.tick(now)
                asks_at = min(worker.lease_state.asks_at(), worker.lease_state.due())
                if now >= free_at[worker.name] and asks_at <= now + 0.1:
                    worker.look(now)
                    free_at[worker.name] = now + delay
        return self.passed() - before

    def passed(self) -> int:
        return sum(flow.counted[0] for flow in self.flows)


class Workers:
    """Several workers that share a plan."""

    def __init__(self, plan: PlanLimits, workers: int = 2) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.plan = plan
        self.workers = [SimulatedWorker(f"w{number}", self.store, EPOCH) for number in range(workers)]

    def admit(self, worker: SimulatedWorker) -> Admission | LimitExceeded:
        """Ask until let in or refused, while all workers go on."""
        admission = worker.enter(self.clock.now, self.plan)
        for _ in range(100):
            answer = admission.try_admit(self.clock.now)
            if answer is None:
                return admission
            if isinstance(answer, LimitExceeded):
                admission.leave(self.clock.now)
                return answer
            self.run(0.01)
        raise AssertionError("neither let in nor refused")

    def run(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += 0.01
            for worker in self.workers:
                worker.look(self.clock.now)
            if round(self.clock.now * 100) % 20 == 0:
                for worker in self.workers:
                    worker.look_around(self.clock.now)
