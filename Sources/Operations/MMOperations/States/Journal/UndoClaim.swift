package import MMCore
internal import MMHTTP
internal import MMSystem

/// A store in which processes on several machines claim changes, one at a time. A claim is a lease that has to be
/// renewed.
package protocol ChangeClaims: Sendable {
    /// Claims a name for the length of a lease; fails if another holder has it.
    /// - Returns: whether the holder now has it.
    /// - Throws: `unavailable`; the holder may have it all the same, until the lease ends.
    func take(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool
    /// Renews a lease.
    /// - Returns: whether the holder still had it.
    /// - Throws: `unavailable`.
    func renew(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool
    /// Releases a name; a claim of another holder is left alone.
    /// - Throws: `unavailable`.
    func release(_ name: String, from holder: String) async throws(MMError)
}

/// The claim of one call on changes that it takes back, held until `end()`: no other call of this or another process,
/// and none of another node of the cluster, takes the same changes back meanwhile. It ends with its process, however
/// that ends.
package final class UndoClaim: Sendable {
    private final class Held: Sendable {
        private let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }

    /// The number of locks. Changes share them, so that the folder does not fill with a lock file for each.
    private static let count = 64

    private let held: Mutex<[Held]>
    private let shared: SharedUndoClaim?

    private init(_ held: [Held], _ shared: SharedUndoClaim?) {
        self.held = Mutex(held)
        self.shared = shared
    }

    /// Releases the changes.
    package func end() {
        shared?.end()
        held.withLock { $0 = [] }
    }

    /// Runs the work under the claim: requests are refused from the moment at which another node may claim the same
    /// changes.
    /// - Throws: the error of the work.
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

    /// Waits until no other call takes any of these changes back.
    /// - Throws: `conflict`, naming the other process, when the deadline passes; `unavailable` where the other nodes
    ///   can't be reached.
    static func make(
        on ids: some Sequence<String>, in directory: String, sharing claims: (any ChangeClaims)?,
        until deadline: Deadline
    ) async throws(MMError) -> UndoClaim {
        var held: [Held] = []
        // All calls lock in the same order, so that no two wait for each other.
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
            .conflict, "These changes are being undone by \(holder): nothing was sent.",
            hint: "Wait until it ends, then check with mm undo list.", retry: .now)
    }

    private static func number(of id: String) -> Int { id.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % count } }
}

/// A claim that the other nodes of a cluster respect. Its validity is measured with this process's own monotonic clock:
/// a process that was stopped and resumes later finds the claim expired.
final class SharedUndoClaim: Sendable {
    private struct State {
        var taken: [String] = []
        var until = ContinuousClock.now
        var isOver = false
        var upkeep: Task<Void, Never>?
    }

    /// The duration of a claim without a renewal.
    private static let lease = Duration.seconds(30)
    /// The pause before another attempt to take a name that another node holds.
    private static let pause = Duration.milliseconds(200)

    private let names: [String]
    private let claims: any ChangeClaims
    /// Unique to each claim. Calls of one process exclude each other by lock files.
    private let holder = RandomBytes.text(bytes: 12)
    private let state = Mutex(State())

    init(of names: [String], in claims: any ChangeClaims) {
        (self.names, self.claims) = (names, claims)
    }

    /// The reason why nothing may be sent under the claim any more; `nil` while it is valid.
    var refusal: String? {
        let isGood = state.withLock { !$0.isOver && .now < $0.until }
        return isGood
            ? nil : "This node's claim on the changes has expired: another node may be undoing them."
    }

    /// Waits until no other node holds any of the names.
    /// - Returns: `false` if another node still holds one at the deadline.
    /// - Throws: `unavailable`; `cancelled`.
    func take(until deadline: Deadline) async throws(MMError) -> Bool {
        for name in names {
            while true {
                try await renew()
                let asked = ContinuousClock.now
                if try await claims.take(name, for: holder, lease: Self.lease) {
                    state.withLock { state in
                        // The lease of the first name ends first.
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

    /// Other nodes count the whole lease from a later moment; the remaining tenth allows for clocks that run at
    /// different speeds.
    private static var usable: Duration { lease * 9 / 10 }

    /// Renews the names held, when that is due.
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
        // A claim that expired, if only for a moment, stays over: another node may have held it since.
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
            // A name that can't be released expires with its lease.
            for name in taken { try? await claims.release(name, from: holder) }
        }
    }
}
