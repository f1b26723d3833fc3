package import MMCore

/// The claim of one call on changes that it takes back, until it lets go of it: no other call, of this process or another one,
/// takes the same changes back meanwhile. It ends with its process, however that ends.
package final class UndoClaim: Sendable {
    private final class Held: Sendable {
        private let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }

    /// How many locks there are. Changes share them, so that the folder does not fill with one for each.
    private static let count = 64

    private let held: Mutex<[Held]>

    private init(_ held: [Held]) { self.held = Mutex(held) }

    /// Lets go of the changes.
    package func end() { held.withLock { $0 = [] } }

    /// Waits until nobody else takes any of these changes back.
    /// - Throws: `conflict`, naming the process that is at it, when the deadline passes.
    static func make(
        on ids: some Sequence<String>, in directory: String, until deadline: Deadline
    ) async throws(MMError) -> UndoClaim {
        var held: [Held] = []
        // Everybody takes them in the same order, so that no two wait for each other.
        for number in Set(ids.map { number(of: $0) }).sorted() {
            do throws(MMError) {
                held.append(Held(try await FileLock(awaiting: "\(directory)/undo-\(number)", until: deadline)))
            } catch {
                guard error.code == .conflict else { throw error }
                let holder = FileLock.holder(of: "\(directory)/undo-\(number)") ?? "Another process"
                throw MMError(
                    .conflict, "These changes are being taken back by \(holder): nothing was sent.",
                    hint: "Wait for its end, then look: mm undo list.", retry: .now)
            }
        }
        return UndoClaim(held)
    }

    private static func number(of id: String) -> Int { id.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % count } }
}
