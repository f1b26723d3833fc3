package import MMCore

/// The leases of one node: takes what is free or abandoned, renews what it has, and ends what it lost.
package actor LeaseKeeper {
    /// Who holds a lease.
    package enum Place: Sendable {
        /// This node.
        case here(HeldLease)
        /// Another one.
        case there(LeaseRecord)
    }

    /// What has happened so far.
    package struct Counts: Sendable, Hashable {
        /// Leases taken.
        package var taken = 0
        /// How many of them came from nodes that had gone.
        package var takenOver = 0
        /// Leases that ended without being given back.
        package var lost = 0
    }

    /// What became of a lease of this node, for whoever writes it down.
    package enum News: String, Sendable {
        case taken, renewed, over, given
    }

    private struct Sight {
        var record: LeaseRecord
        /// When it was first known to stand so.
        var since: ContinuousClock.Instant
        var wanted: ContinuousClock.Instant
    }

    /// This node's id; each process has its own.
    package nonisolated let id: String
    /// Where others reach this node.
    package nonisolated let address: String
    /// How long a lease is valid after a renewal.
    package nonisolated let term: Duration
    private let store: any LeaseStore
    private let now: @Sendable () -> ContinuousClock.Instant
    private let idleLimit: Duration
    private let isBusy: @Sendable (String) async -> Bool
    private let onLost: @Sendable (String) async -> Void
    private let onNews: @Sendable (News, HeldLease) -> Void
    private var held: [String: HeldLease] = [:]
    private var sights: [String: Sight] = [:]
    private var taking: [String: Task<Result<Place, MMError>, Never>] = [:]
    private var isClosed = false
    /// What has happened so far.
    package private(set) var counts = Counts()
    /// Why the store could not be reached the last time; `nil` while it can.
    package private(set) var away: String?

    /// A keeper.
    /// - Parameters:
    ///   - store: where leases are written.
    ///   - id: this node's id.
    ///   - address: where others reach it.
    ///   - term: how long a lease is valid after a renewal.
    ///   - idleLimit: how long a lease is kept that nobody uses.
    ///   - now: a clock that goes on while the machine sleeps, and that nobody sets.
    ///   - isBusy: whether something lives that needs a lease although no call runs.
    ///   - onLost: ends what must not go on without it.
    ///   - onNews: is told before a lease is used, after each renewal and when it is over.
    package init(
        _ store: any LeaseStore, id: String, address: String, term: Duration, idleLimit: Duration = .seconds(60),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        isBusy: @escaping @Sendable (String) async -> Bool = { _ in false },
        onLost: @escaping @Sendable (String) async -> Void = { _ in },
        onNews: @escaping @Sendable (News, HeldLease) -> Void = { _, _ in }
    ) {
        self.store = store
        self.id = id
        self.address = address
        self.term = term
        self.idleLimit = idleLimit
        self.now = now
        self.isBusy = isBusy
        self.onLost = onLost
        self.onNews = onNews
    }

    /// The leases that are held, by name.
    package var leases: [HeldLease] { held.values.filter(\.isValid).sorted { $0.name < $1.name } }

    /// The lease of a name, where this node holds it.
    package func lease(_ name: String) -> HeldLease? { held[name].flatMap { $0.isValid ? $0 : nil } }

    /// Finds who holds a lease, and takes it where nobody does.
    /// - Throws: `unavailable` where the store can't be reached, or nothing is taken now.
    package func place(_ name: String) async throws(MMError) -> Place {
        if let own = lease(name) { return .here(own) }
        if let running = taking[name] { return try await running.value.get() }
        let task = Task { await Result { () async throws(MMError) in try await self.find(name) } }
        taking[name] = task
        let result = await task.value
        taking[name] = nil
        return try result.get()
    }

    private func find(_ name: String) async throws(MMError) -> Place {
        guard !isClosed else {
            throw MMError(.unavailable, "This node is stopping.", retry: .now, details: ["pool": "draining"])
        }
        if let stale = held[name] { await lose(stale) }
        let record = try await look(name)
        // Our own, of a request that got no answer, is taken anew: what it was given is not known.
        guard record.isFree || record.holder == id || isAbandoned(name) else { return .there(record) }
        let isTakenOver = !record.isFree && record.holder != id
        let sent = now()
        let after = try await reaching { () async throws(MMError) in
            try await self.store.take(name, seen: record, for: self.id, at: self.address, term: self.term)
        }
        note(name, after)
        guard after.holder == id, after.token > record.token else { return .there(after) }
        sights[name] = nil
        let lease = HeldLease(name, token: after.token, until: sent + usable, now: now)
        counts.taken += 1
        if isTakenOver { counts.takenOver += 1 }
        // The answer may have come when it was too late for it.
        guard lease.isValid, !isClosed else {
            try? await store.release(name, holder: id, token: after.token)
            throw lease.over
        }
        onNews(.taken, lease)
        held[name] = lease
        return .here(lease)
    }

    /// Others wait for the whole term, from a later moment; the rest is for clocks that run at different speeds.
    private var usable: Duration { term * 9 / 10 }

    /// How a lease of another node stands.
    /// - Throws: `unavailable`.
    package func look(_ name: String) async throws(MMError) -> LeaseRecord {
        let record = try await reaching { () async throws(MMError) in try await self.store.read(name) }
        note(name, record)
        return record
    }

    /// Whether the holder has not renewed it for so long that it can't use it any more.
    package func isAbandoned(_ name: String) -> Bool {
        guard let sight = sights[name], !sight.record.isFree else { return false }
        return sight.since.duration(to: now()) >= max(.milliseconds(sight.record.term), term)
    }

    private func note(_ name: String, _ record: LeaseRecord) {
        let now = now()
        if sights[name]?.record == record {
            sights[name]?.wanted = now
        } else {
            sights[name] = Sight(record: record, since: now, wanted: now)
        }
    }

    private func reaching<Value>(
        _ work: () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        do throws(MMError) {
            let value = try await work()
            away = nil
            return value
        } catch {
            if error.details["cluster"] == "away" { away = error.cause ?? error.message }
            throw error
        }
    }

    // MARK: Upkeep

    /// Renews, watches and ends leases until the task is cancelled.
    package func run() async {
        while (try? await Task.sleep(for: term / 5)) != nil { await upkeep() }
    }

    /// One round of it.
    package func upkeep() async {
        for lease in held.values {
            let sent = now()
            guard lease.isValid else {
                await lose(lease)
                continue
            }
            if lease.idle > idleLimit, await !isBusy(lease.name), lease.idle > idleLimit {
                await giveBack(lease)
                continue
            }
            let isOurs = try? await reaching { () async throws(MMError) in
                try await store.renew(lease.name, holder: id, token: lease.token, term: term)
            }
            switch isOurs {
            case true?:
                lease.extend(to: sent + usable)
                onNews(.renewed, lease)
            case false?: await lose(lease)
            case nil: if !lease.isValid { await lose(lease) }
            }
        }
        let now = now()
        sights = sights.filter { $0.value.wanted.duration(to: now) < max(term * 4, .seconds(60)) }
        for (name, sight) in sights where !sight.record.isFree {
            let wanted = sight.wanted
            _ = try? await look(name)
            sights[name]?.wanted = wanted
        }
    }

    private func lose(_ lease: HeldLease) async {
        lease.end()
        guard held[lease.name] === lease else { return }
        held[lease.name] = nil
        counts.lost += 1
        onNews(.over, lease)
        await onLost(lease.name)
    }

    private func giveBack(_ lease: HeldLease) async {
        lease.end()
        onNews(.given, lease)
        if held[lease.name] === lease { held[lease.name] = nil }
        try? await store.release(lease.name, holder: id, token: lease.token)
    }

    /// Gives everything back and takes nothing more.
    package func close() async {
        isClosed = true
        for lease in held.values { await giveBack(lease) }
    }
}

/// Where leases are written. It knows no time: who may take a lease over is decided by watching it stand still, so that no
/// clock of any machine can end one early.
package protocol LeaseStore: Sendable {
    /// Reads a lease; a free one where there is none yet.
    /// - Throws: `unavailable` where the store can't be reached.
    func read(_ name: String) async throws(MMError) -> LeaseRecord

    /// Takes a lease, if it still stands as it was seen.
    /// - Parameters:
    ///   - name: what is leased.
    ///   - seen: how it stood.
    ///   - holder: the id of the node that takes it.
    ///   - address: where that node is reached.
    ///   - term: how long it is to be valid.
    /// - Returns: how it stands now, with a new token where the holder has it.
    /// - Throws: `unavailable`; the lease may be taken then, for nobody.
    func take(
        _ name: String, seen: LeaseRecord, for holder: String, at address: String, term: Duration
    ) async throws(MMError) -> LeaseRecord

    /// Lets a holding go on.
    /// - Returns: whether it was still the holder's.
    /// - Throws: `unavailable`.
    func renew(_ name: String, holder: String, token: Int64, term: Duration) async throws(MMError) -> Bool

    /// Gives a lease back; somebody else's is left alone.
    /// - Throws: `unavailable`.
    func release(_ name: String, holder: String, token: Int64) async throws(MMError)
}

/// What the cluster knows of a lease.
package struct LeaseRecord: Sendable, Hashable {
    /// The id of the node that holds it, one a process; empty where nobody does.
    package var holder: String
    /// Where that node is reached.
    package var address: String
    /// The number of this holding. It only grows, over all holders.
    package var token: Int64
    /// Changes with each renewal: a record that stands still belongs to somebody who is gone.
    package var beat: Int64
    /// How long it is valid after a renewal, in milliseconds.
    package var term: Int64

    /// Whether nobody holds it.
    package var isFree: Bool { holder.isEmpty }

    package init(holder: String = "", address: String = "", token: Int64 = 0, beat: Int64 = 0, term: Int64 = 0) {
        self.holder = holder
        self.address = address
        self.token = token
        self.beat = beat
        self.term = term
    }
}
