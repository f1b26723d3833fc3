import MMCore

/// Something that threads and tasks write and a test reads.
final class Noted<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    var now: Value { value.withLock { $0 } }

    func change(_ body: @Sendable (inout Value) -> Void) {
        value.withLock { value in
            var copy = value
            body(&copy)
            value = copy
        }
    }
}

/// The error that a call ends with, or nil.
func failure<T>(_ body: () async throws(MMError) -> T) async -> MMError? {
    do throws(MMError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
