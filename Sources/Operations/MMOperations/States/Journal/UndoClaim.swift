package import MMCore
internal import MMHTTP
internal import MMSystem

/// Where processes on several machines claim changes, one at a time. A claim stands as long as it is renewed.
package protocol ChangeClaims: Sendable {
    /// Claims a name for a while; somebody else's is left alone.
    /// - Returns: whether it is the holder's now.
    /// - Throws: `unavailable`; it may be the holder's then, until the lease is over.
    func take(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool
    /// Lets a claim go on.
    /// - Returns: whether it was still the holder's.
    /// - Throws: `unavailable`.
    func renew(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool
    /// Gives a name back; somebody else's is left alone.
    /// - Throws: `unavailable`.
    func release(_ name: String, from holder: String) async throws(MMError)
}

/// The claim of one call on changes that it takes back, until it lets go of it: no other call, of this process or another one, takes
/// the same changes back meanwhile, and in a cluster none of another node. It ends with its process, however that ends.
package final class UndoClaim: Sendable {
    private final class Held: Sendable {
        private let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }

    /// How many names there are. Changes share them, so that the folder does not fill with a lock for each.
    private static let count = 64

    private let held: Mutex<[Held]>
    private let shared: SharedUndoClaim?

    private init(_ held: [Held], _ shared: SharedUndoClaim?) {
        self.held = Mutex(held)
        self.shared = shared
    }

    /// Lets go of the changes.
    package func end() {
        shared?.end()
        held.withLock { $0 = [] }
    }

    /// Does what the claim is for: nothing more is sent from the moment on at which another node may claim the same changes.
    /// - Throws: what the work throws.
    func whileHeld<Answer: Sendable>(
        _ work: nonisolated(nonsending) () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        guard let shared else { return try await work() }
        let outer = SendPermit.current
        let permit = SendPermit { outer?.refusal() ?? shared.refusal }
        return try await SendPermit.$current.withValue(permit) {
            await Result { () async throws(MMError) in try await work() }
        }.get()
    }

    /// Waits until nobody else takes any of these changes back.
    /// - Throws: `conflict`, naming the process that is at it, when the deadline passes; `unavailable` where other nodes can't be
    ///   asked.
    static func make(
        on ids: some Sequence<String>, in directory: String, sharing claims: (any ChangeClaims)?,
        until deadline: Deadline
    ) async throws(MMError) -> UndoClaim {
        var held: [Held] = []
        // Everybody takes them in the same order, so that no two wait for each other.
        let numbers = Set(ids.map { number(of: $0) }).sorted()
        for number in numbers {
            do throws(MMError) {
                held.append(Held(try await FileLock(awaiting: "\(directory)/undo-\(number)", until: deadline)))
            } catch {
                guard error.code == .conflict else { throw error }
                throw taken(by: FileLock.holder(of: "\(directory)/undo-\(number)") ?? "Another process")
            }
        }
        guard let claims else { return UndoClaim(held, nil) }
        let shared = SharedUndoClaim(of: numbers.map { "undo-\($0)" }, in: claims)
        do throws(MMError) {
            guard try await shared.take(until: deadline) else { throw taken(by: "another node of the cluster") }
        } catch {
            shared.end()
            throw error
        }
        return UndoClaim(held, shared)
    }

    private static func taken(by holder: String) -> MMError {
        MMError(
            .conflict, "These changes are being taken back by \(holder): nothing was sent.",
            hint: "Wait for its end, then look: mm undo list.", retry: .now)
    }

    private static func number(of id: String) -> Int { id.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % count } }
}

/// A claim that the other nodes of a cluster respect. It is good for as long as this process's own clock says so: a process that was
/// stopped and goes on later finds it over.
final class SharedUndoClaim: Sendable {
    private struct State {
        var taken: [String] = []
        var until = ContinuousClock.now
        var isOver = false
        var upkeep: Task<Void, Never>?
    }

    /// How long a claim stands without a renewal.
    private static let lease = Duration.seconds(30)
    /// How long one waits before asking again for what another node holds.
    private static let pause = Duration.milliseconds(200)

    private let names: [String]
    private let claims: any ChangeClaims
    /// Each claim has a holder's name of its own: calls of one process exclude each other by files.
    private let holder = RandomBytes.text(bytes: 12)
    private let state = Mutex(State())

    init(of names: [String], in claims: any ChangeClaims) {
        (self.names, self.claims) = (names, claims)
    }

    /// Why nothing may be sent under it any more; `nil` while it may.
    var refusal: String? {
        let isGood = state.withLock { !$0.isOver && .now < $0.until }
        return isGood
            ? nil : "This node's claim of the changes is over: another node may be taking them back."
    }

    /// Waits until no other node holds any of the names.
    /// - Returns: `false` where one still does at the deadline.
    /// - Throws: `unavailable`; `cancelled`.
    func take(until deadline: Deadline) async throws(MMError) -> Bool {
        for name in names {
            while true {
                try await renew()
                let asked = ContinuousClock.now
                if try await claims.take(name, for: holder, lease: Self.lease) {
                    state.withLock { state in
                        // The first name that is taken is the first that runs out.
                        state.until = state.taken.isEmpty ? asked + Self.usable : min(state.until, asked + Self.usable)
                        state.taken.append(name)
                    }
                    break
                }
                guard deadline.remaining > Self.pause else { return false }
                do { try await Task.sleep(for: Self.pause) } catch {
                    throw MMError(.cancelled, "The undo was cancelled while it waited for another node.")
                }
            }
        }
        let upkeep = Task { [weak self] in
            while (try? await Task.sleep(for: Self.lease / 4)) != nil {
                guard let self else { return }
                try? await self.renew()
            }
        }
        state.withLock { $0.upkeep = upkeep }
        return true
    }

    /// Others wait for the whole lease, from a later moment; the rest is for clocks that run at different speeds.
    private static var usable: Duration { lease * 9 / 10 }

    /// Renews what is held, where that is due.
    private func renew() async throws(MMError) {
        let (taken, isDue) = state.withLock { state in
            (state.taken, !state.taken.isEmpty && .now >= state.until - Self.usable * 3 / 4)
        }
        guard isDue else { return }
        let asked = ContinuousClock.now
        for name in taken {
            guard try await claims.renew(name, for: holder, lease: Self.lease) else {
                state.withLock { $0.isOver = true }
                return
            }
        }
        // What ran out for a moment stays over: somebody may have held it since.
        state.withLock { state in
            if .now < state.until { state.until = asked + Self.usable } else { state.isOver = true }
        }
    }

    /// Lets go of all names.
    func end() {
        let (taken, upkeep) = state.withLock { state in
            defer { (state.taken, state.upkeep, state.isOver) = ([], nil, true) }
            return (state.taken, state.upkeep)
        }
        upkeep?.cancel()
        guard !taken.isEmpty else { return }
        Task { [claims, holder] in
            // What can't be given back runs out.
            for name in taken { try? await claims.release(name, from: holder) }
        }
    }
}
