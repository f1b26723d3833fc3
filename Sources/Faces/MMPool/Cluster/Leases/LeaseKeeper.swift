package import MMCore

/// The leases of one node: takes those that are free or abandoned, renews those it holds, and ends those it lost.
package actor LeaseKeeper {
    /// The holder of a lease.
    package enum Place: Sendable {
        /// This node.
        case here(HeldLease)
        /// Another one.
        case there(LeaseRecord)
    }

    /// The numbers of leases taken and lost so far.
    package struct Counts: Sendable, Hashable {
        /// Leases taken.
        package var taken = 0
        /// How many of them were taken over from nodes that had gone.
        package var takenOver = 0
        /// Leases that ended without being given back.
        package var lost = 0
    }

    /// What happened to a lease of this node, for the log.
    package enum News: String, Sendable {
        case taken, renewed, over, given
    }

    private struct Sight {
        var record: LeaseRecord
        /// When the record was first seen in this state.
        var since: ContinuousClock.Instant
        var wanted: ContinuousClock.Instant
    }

    /// This node's id; each process has its own.
    package nonisolated let id: String
    /// The address at which other nodes reach this node.
    package nonisolated let address: String
    /// How long a lease is valid after a renewal.
    package nonisolated let term: Duration
    private let store: RedisLeaseStore
    private let now: @Sendable () -> ContinuousClock.Instant
    private let idleLimit: Duration
    private let isBusy: @Sendable (String) async -> Bool
    private let onLost: @Sendable (String) async -> Void
    private let onNews: @Sendable (News, HeldLease) -> Void
    private var held: [String: HeldLease] = [:]
    private var sights: [String: Sight] = [:]
    private var taking: [String: Task<Result<Place, MMError>, Never>] = [:]
    private var isClosed = false
    /// The numbers of leases taken and lost so far.
    package private(set) var counts = Counts()
    /// Why the store could not be reached the last time; `nil` while it can.
    package private(set) var away: String?

    /// Creates a keeper.
    /// - Parameters:
    ///   - store: the store in which leases are recorded.
    ///   - id: this node's id.
    ///   - address: the address at which other nodes reach this node.
    ///   - term: how long a lease is valid after a renewal.
    ///   - idleLimit: how long an unused lease is kept.
    ///   - now: a clock that keeps running while the machine sleeps, and that can't be set.
    ///   - isBusy: whether something that needs the lease still exists although no call runs.
    ///   - onLost: ends what must not continue without the lease.
    ///   - onNews: is called before a lease is used, after each renewal and when the lease is over.
    package init(
        _ store: RedisLeaseStore, id: String, address: String, term: Duration, idleLimit: Duration = .seconds(60),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        isBusy: @escaping @Sendable (String) async -> Bool, onLost: @escaping @Sendable (String) async -> Void,
        onNews: @escaping @Sendable (News, HeldLease) -> Void
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

    /// The leases that this node holds, sorted by name.
    package var leases: [HeldLease] { held.values.filter(\.isValid).sorted { $0.name < $1.name } }

    /// Returns the lease of a name if this node holds it.
    package func lease(_ name: String) -> HeldLease? { held[name].flatMap { $0.isValid ? $0 : nil } }

    /// Finds out who holds a lease, and takes it if it is free or abandoned.
    /// - Throws: `unavailable` if the store can't be reached or no leases can be taken at present.
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
        // If this node is recorded as the holder, an earlier request got no answer. The lease is taken anew, since its
        // token is unknown.
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
        // The answer may have arrived too late for the lease to be used.
        guard lease.isValid, !isClosed else {
            try? await store.release(name, holder: id, token: after.token)
            throw lease.over
        }
        onNews(.taken, lease)
        held[name] = lease
        return .here(lease)
    }

    /// How long this node uses a lease. Other nodes wait for the whole term, counted from a later moment; the remaining
    /// tenth allows for clocks that run at different speeds.
    private var usable: Duration { term * 9 / 10 }

    /// Returns the current record of a lease.
    /// - Throws: `unavailable`.
    package func look(_ name: String) async throws(MMError) -> LeaseRecord {
        let record = try await reaching { () async throws(MMError) in try await self.store.read(name) }
        note(name, record)
        return record
    }

    /// Returns whether the holder has not renewed the lease for so long that it can't use it any more.
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

    /// Performs one round of renewing, watching and ending leases.
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
        try? await store.meet()
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

    /// Gives all leases back and takes no more.
    package func close() async {
        isClosed = true
        for lease in held.values { await giveBack(lease) }
    }
}

/// The cluster's record of a lease.
package struct LeaseRecord: Sendable, Hashable {
    /// The id of the node process that holds the lease; empty if it is free.
    package var holder: String
    /// The address at which that node is reached.
    package var address: String
    /// The number of this holding. It only increases, across all holders.
    package var token: Int64
    /// A counter that changes with each renewal: if it stands still, the holder is gone.
    package var beat: Int64
    /// How long the lease is valid after a renewal, in milliseconds.
    package var term: Int64

    /// Whether the lease has no holder.
    package var isFree: Bool { holder.isEmpty }

    package init(holder: String = "", address: String = "", token: Int64 = 0, beat: Int64 = 0, term: Int64 = 0) {
        self.holder = holder
        self.address = address
        self.token = token
        self.beat = beat
        self.term = term
    }
}
