import MMCore
import TestSupport
import Testing

@testable import MMPool

/// Nodes that take, renew and release leases, pause and die, in a random order with the test's clock.
actor LeaseWalk {
    private let store: RedisLeaseStore
    private let clock: LeaseTests.TestClock
    private var random: SeededRandom
    private var nodes: [LeaseKeeper] = []
    private var paused: Set<Int> = []
    private var highest: [String: Int64] = [:]
    private var born = 0
    /// How often a lease was held.
    private(set) var held = 0
    private let names = ["one", "two"]

    init(_ store: RedisLeaseStore, _ clock: LeaseTests.TestClock, seed: UInt64) {
        self.store = store
        self.clock = clock
        random = SeededRandom(seed: seed)
    }

    private func another() -> LeaseKeeper {
        born += 1
        let clock = clock
        return LeaseKeeper(
            store, id: "node\(born)", address: "", term: .seconds(10),
            idleLimit: .seconds(100_000), now: { clock.now }, isBusy: { _ in false }, onLost: { _ in },
            onNews: { _, _ in })
    }

    func run(steps: Int) async {
        for _ in 0..<4 { nodes.append(another()) }
        for _ in 0..<steps { await step() }
    }

    private func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    private func step() async {
        let which = number(0..<nodes.count)
        let isAwake = !paused.contains(which)
        switch number(0..<12) {
        case 0: paused.insert(which)
        case 1: paused.remove(which)
        case 2: nodes[which] = another()
        case 3:
            guard isAwake else { break }
            await nodes[which].close()
            nodes[which] = another()
        case 4, 5, 6: clock.advance(.milliseconds(number(1..<4000)))
        case 7: clock.advance(.seconds(number(4..<25)))
        case 8: if isAwake { await nodes[which].upkeep() }
        default: if isAwake { await take(names[number(0..<names.count)], nodes[which]) }
        }
        for name in names {
            var holders = 0
            for node in nodes where await node.lease(name) != nil { holders += 1 }
            #expect(holders <= 1)
        }
    }

    private func take(_ name: String, _ node: LeaseKeeper) async {
        guard let place = try? await node.place(name), case .here(let lease) = place else { return }
        held += 1
        #expect(lease.token >= highest[name, default: 0])
        highest[name] = max(highest[name, default: 0], lease.token)
    }
}
